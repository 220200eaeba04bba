// SPDX-License-Identifier: GPL-3.0-or-later

public import PageTables
public import Policies
public import Profiles
public import Quantities
public import Randomness

/// Where a run stops even if the operation has not come to its end.
public struct MachineLimits: Hashable, Sendable {
  /// Simulated time, warm-up included.
  public var simulated = Nanoseconds.seconds(1_800)
  /// Executed events.
  public var events: Int64 = 400_000_000

  /// Half an hour of simulated time and 400 million events.
  public init() {}
}

/// Everything a run of the machine depends on.
public struct MachineInput: Sendable {
  /// The host whose CPU is simulated.
  public var host: HostProfile
  /// The kernel it runs.
  public let kernel: KernelProfile
  /// The rules of the kernel's release.
  public let release: ReleaseRules
  /// Network traffic of the CPU.
  public var network: NetworkLoad
  /// Storage traffic of the CPU.
  public var storage: StorageLoad
  /// Where the queue's interrupt is handled.
  public var interrupt = InterruptPlacement.sameCPU
  /// Whether NAPI polls in a kernel thread on the CPU.
  public var threadedNAPI = false
  /// CPU-bound user tasks on the CPU.
  public var competitors = 0
  /// What the walker does.
  public var plan: WorkPlan
  /// Time before the walker starts; the second half of it is the baseline.
  public var warmUp = Nanoseconds.milliseconds(100)
  /// Time after the walker's end that is still simulated.
  public var coolDown = Nanoseconds.milliseconds(20)
  /// The length of one goodput bucket.
  public var bucket = Nanoseconds.milliseconds(100)
  /// Where the run stops at the latest.
  public var limits = MachineLimits()
  /// Mechanisms switched off.
  public var switches = MachineSwitches()
  /// How many trace records are kept; zero keeps none.
  public var traceLimit = 0
  /// The root of all chance.
  public var seed: Seed

  /// Creates the input of a run on a host and a kernel; loads are added to it.
  ///
  /// Refuses a kernel whose release is not known.
  public init(
    host: HostProfile,
    kernel: KernelProfile,
    plan: WorkPlan,
    seed: Seed
  ) throws(PageTableError) {
    release = try ReleaseRules.rules(for: kernel.release)
    self.host = host
    self.kernel = kernel
    network = NetworkLoad()
    storage = StorageLoad()
    self.plan = plan
    self.seed = seed
  }
}
