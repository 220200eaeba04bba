// SPDX-License-Identifier: GPL-3.0-or-later

package import Events
package import Machine
package import Observations
package import Operations
package import PageTables
package import Policies
package import Profiles
package import Quantities
package import Randomness

/// One experiment: a setup, a policy and a seed.
///
/// Running it gives a report. A value; the same scenario gives the same report, digest included, on
/// every run, in debug and release and whatever runs beside it.
@dynamicMemberLookup
package struct Scenario: Sendable {
  /// The operation: where it happens, how it is batched, and which mechanisms are off.
  package var operation: BatchedOperation
  /// The root of all chance.
  package var seed: Seed
  /// Whether the operation is run whole or a window of it is scaled up.
  package var extent = Extent.exact
  /// Where the run stops at the latest.
  package var limits = MachineLimits()
  /// How many trace records are kept; zero keeps none.
  package var traceLimit = 0
  /// How far into the run a trace record may begin; nil keeps whatever fits.
  package var traceEnd: Nanoseconds?
  /// Who watches the run and may end it; nil for nobody.
  package var watch: RunWatch?

  /// How much of the operation is simulated.
  package enum Extent: Hashable, Sendable {
    /// All of it, event by event.
    case exact
    /// A piece of every part, scaled to the whole: good enough to rank policies.
    case window(Window)
    /// Steady state skipped by batch means, to a stated error.
    case fast(FastRun)
  }

  /// Creates a scenario that runs its operation whole.
  package init(_ setup: Setup, policy: Policy, seed: Seed) {
    operation = BatchedOperation(setup, policy)
    self.seed = seed
  }

  /// Creates a scenario on three profiles, the guest laid out by the workload's mix of leaves.
  package init(
    host: HostProfile,
    kernel: KernelProfile,
    workload: WorkloadProfile,
    policy: Policy,
    seed: Seed
  ) {
    self.init(
      Setup(host: host, kernel: kernel, workload: workload),
      policy: policy,
      seed: seed
    )
  }

  /// The parts of the operation and of its setup.
  package subscript<Part>(dynamicMember part: WritableKeyPath<BatchedOperation, Part>) -> Part {
    get { operation[keyPath: part] }
    set { operation[keyPath: part] = newValue }
  }

  /// Events after which a run stops, whatever is left of the operation.
  package var eventLimit: Int64 {
    get { limits.events }
    set { limits.events = newValue }
  }

  /// Events after which a run stops where nobody says otherwise.
  package static let standardEventLimit = MachineLimits().events
  /// Events of a whole run that somebody asks for and waits for: ten times those of the largest shipped one.
  package static let wholeEventLimit: Int64 = 250_000_000
  /// Events of one that simulates a part.
  package static let sampledEventLimit: Int64 = 50_000_000

  /// Runs the scenario.
  package func run() throws(OperationError) -> RunReport {
    try runTraced().report
  }

  /// Runs the scenario and returns the trace beside the report.
  package func runTraced() throws(OperationError) -> (report: RunReport, trace: Trace) {
    try operation.validateRanges()
    try operation.validate()
    switch operation.workload.operation {
    case .teardown, .logEnable, .reclaim, .map:
      if case .window(let window) = extent {
        return try execute(try operation.exactPlan(window))
      }
      return try execute(try operation.exactPlan())
    case .migration: return try migrate()
    case .mapCreate: return (try mapCreate(), Trace(limit: 0))
    case .dirty, .populate: return (try privateStorm(), Trace(limit: 0))
    }
  }

  /// The stage-2 events of the operation, without running it.
  package func counts() throws(OperationError) -> EventCounts {
    try operation.validateRanges()
    try operation.validate()
    return try operation.exactPlan().counts
  }

  /// The version of the simulator: raised whenever the same scenario gives another report, so that
  /// models fitted on other runs are refused.
  package static let simulatorVersion = "10"
}
