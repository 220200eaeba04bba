// SPDX-License-Identifier: GPL-3.0-or-later

public import Events
public import Machine
public import PageTables
public import Policies
public import Profiles
import Quantities
public import Randomness

/// One experiment: a host, a kernel, a workload, a policy and a seed.
///
/// Running it gives a report. A value; the same scenario gives the same report, digest included, on every run, in debug and
/// release and whatever runs beside it.
public struct Scenario: Sendable {
  /// The host.
  public var host: HostProfile
  /// The kernel.
  public var kernel: KernelProfile
  /// The guest, what is done to it, and the IO beside it.
  public var workload: WorkloadProfile
  /// How the work is batched.
  public var policy: Policy
  /// The root of all chance.
  public var seed: Seed
  /// The guest's tables, where a dump says what they are; nil lays out the workload's own mix.
  public var tables: StageTwo?
  /// Whether the operation is run whole or a window of it is scaled up.
  public var extent = Extent.exact
  /// Mechanisms of the machine that are switched off.
  public var switches = MachineSwitches()
  /// Where the run stops at the latest.
  public var limits = MachineLimits()
  /// How many trace records are kept; zero keeps none.
  public var traceLimit = 0

  /// How much of the operation is simulated.
  public enum Extent: Hashable, Sendable {
    /// All of it, event by event.
    case exact
    /// A piece of every part, scaled to the whole: good enough to rank policies.
    case window(Window)
    /// Steady state skipped by batch means, to a stated error.
    case fast(FastRun)
  }

  /// Creates a scenario that runs its operation whole.
  public init(
    host: HostProfile,
    kernel: KernelProfile,
    workload: WorkloadProfile,
    policy: Policy,
    seed: Seed
  ) {
    self.host = host
    self.kernel = kernel
    self.workload = workload
    self.policy = policy
    self.seed = seed
  }

  /// Runs the scenario.
  public func run() throws(ScenarioError) -> RunReport {
    try runTraced().report
  }

  /// Runs the scenario and returns the trace beside the report.
  public func runTraced() throws(ScenarioError) -> (report: RunReport, trace: Trace) {
    try validate()
    switch workload.operation {
    case .teardown, .logEnable, .reclaim, .map: return try execute(try plan())
    case .migration: return try migrate()
    case .mapCreate: return (try mapCreate(), Trace(limit: 0))
    case .dirty: return (try dirty(), Trace(limit: 0))
    }
  }

  /// The stage-2 events of the operation, without running it.
  public func counts() throws(ScenarioError) -> EventCounts {
    try validate()
    return try plan().counts
  }
}
