// SPDX-License-Identifier: GPL-3.0-or-later

package import Operations
package import PageTables
package import Policies
package import Profiles
package import Quantities
package import Randomness

/// Where a run stops even if the operation has not come to its end.
package struct MachineLimits: Hashable, Sendable {
  /// Simulated time, warm-up included.
  package var simulated = Nanoseconds.seconds(1_800)
  /// Executed events.
  package var events: Int64 = 400_000_000

  /// Half an hour of simulated time and 400 million events.
  package init() {}
}

/// Everything a run of the machine depends on.
package struct MachineInput: Sendable {
  /// The host whose CPU is simulated.
  package var host: HostProfile
  /// The kernel it runs.
  package let kernel: KernelProfile
  /// The rules of the kernel's release.
  package let release: ReleaseRules
  /// Network traffic of the CPU.
  package var network: NetworkLoad
  /// Storage traffic of the CPU.
  package var storage: StorageLoad
  /// Where the queue's interrupt is handled.
  package var interrupt = InterruptPlacement.sameCPU
  /// Whether NAPI polls in a kernel thread on the CPU.
  package var threadedNAPI = false
  /// CPU-bound user tasks on the CPU.
  package var competitors = 0
  /// What the walker does.
  package var plan: WorkPlan
  /// What decides while the operation runs what the walker does after `plan`; nil ends there.
  package var source: (any WorkSource)?
  /// The mean time between two faults of a running guest, each of which wants mmu_lock; nil for none.
  package var faultGap: Nanoseconds?
  /// The guest that runs while its memory is unmapped; nil for none.
  package var guest: RunningGuest?
  /// Time before the walker starts; the second half of it is the baseline.
  package var warmUp = MachineInput.standardWarmUp
  /// The same where nobody says otherwise.
  package static let standardWarmUp = Nanoseconds.milliseconds(100)
  /// The least time over which what IO loses to an operation is judged: Linux's least retransmission
  /// timeout (TCP_RTO_MIN), below which a stream does not take a silence for a loss.
  package static let leastJudged = Nanoseconds.milliseconds(200)
  /// Time after the walker's end that is still simulated; more where IO is judged over more.
  package var coolDown = Nanoseconds.milliseconds(20)
  /// The length of one goodput bucket.
  package var bucket = Nanoseconds.milliseconds(100)
  /// Where the run stops at the latest.
  package var limits = MachineLimits()
  /// Mechanisms switched off.
  package var switches = MachineSwitches()
  /// How many trace records are kept; zero keeps none.
  package var traceLimit = 0
  /// How far into the run a record may begin; nil keeps whatever fits.
  package var traceEnd: Nanoseconds?
  /// Who watches the run and may end it; nil for nobody.
  package var watch: RunWatch?
  /// The root of all chance.
  package var seed: Seed

  /// Creates the input of a run on a host and a kernel; loads are added to it.
  ///
  /// Refuses a kernel whose release is not known.
  package init(
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

extension MachineInput {
  /// Whether the kernel counts as preemptible where contention asks for the lock: by how it was built
  /// up to 6.10, where every PREEMPT_DYNAMIC build does, and by the model it runs with later.
  var countsAsPreemptible: Bool {
    switch release.contentionBreak {
    case .builtModel: kernel.preemption.preemptsKernel || kernel.isDynamic
    case .runningModel: kernel.preemption.preemptsKernel
    }
  }
}
