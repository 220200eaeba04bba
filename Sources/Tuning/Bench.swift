// SPDX-License-Identifier: GPL-3.0-or-later

package import Observations
import Operations
package import Policies
import Profiles
import Randomness
import Scenarios
import Synchronization

/// One run that an answer needs.
package struct RunRequest: Hashable, Sendable {
  /// The policy, canonical.
  package let policy: Policy
  /// The replicate, counted from zero; equal replicates of two policies share all chance.
  package let replicate: Int
  /// How much is simulated.
  package let extent: RunExtent

  /// Creates a request.
  package init(policy: Policy, replicate: Int, extent: RunExtent = .window) {
    self.policy = policy
    self.replicate = replicate
    self.extent = extent
  }
}

/// The simulator runs that one answer may spend, whichever bench makes them.
package final class RunAllowance: Sendable {
  /// Runs that may be made in all.
  package let limit: Int
  private let made = Mutex(0)

  /// Creates an allowance; without a limit it only counts.
  package init(_ limit: Int = .max) { self.limit = limit }

  /// Runs made so far, over all benches.
  package var spent: Int { made.withLock { $0 } }

  /// Runs that may still be made.
  package var left: Int { limit - spent }

  /// Counts runs that are about to be made; more than are left is a bug of whoever asks.
  func take(_ runs: Int) {
    made.withLock { made in
      precondition(runs <= limit - made, "an answer spends no more runs than it was given")
      made += runs
    }
  }
}

/// Runs policies of one question, each run once, on several threads with one result.
package final class Bench: Sendable {
  /// The runs that this bench and those beside it may make.
  package let allowance: RunAllowance
  private let question: Question
  private let tools: TuningTools
  private let seed: Seed
  private let reports = Mutex<[RunRequest: RunReport]>([:])

  /// Creates a bench; its seed depends on the question's seed and on what is asked about.
  package init(
    _ question: Question,
    tools: TuningTools,
    allowance: RunAllowance = RunAllowance()
  ) {
    self.question = question
    self.tools = tools
    self.allowance = allowance
    seed = Self.seed(of: question)
  }

  /// The seed from which those of a question's runs follow.
  private static func seed(of question: Question) -> Seed {
    let names = [question.host.name, question.kernel.name, question.workload.name]
    return Seed(question.seed).derived(names.joined(separator: "/"))
  }

  /// The seed of a question's runs with this number.
  static func seed(of question: Question, replicate: Int) -> Seed {
    seed(of: question).replicate(UInt64(replicate))
  }

  /// The reports of a policy that are known already, by replicate.
  package func known(_ policy: Policy, _ extent: RunExtent) -> [RunReport] {
    let found = reports.withLock { known in
      known.filter { $0.key.policy == policy && $0.key.extent == extent }
    }
    return found.sorted { $0.key.replicate < $1.key.replicate }.map(\.value)
  }

  /// The policies with a known run of an extent, in the order of their texts.
  func policies(_ extent: RunExtent) -> [Policy] {
    let found = reports.withLock { known in
      Set(known.keys.filter { $0.extent == extent }.map(\.policy))
    }
    return found.sorted { $0.description < $1.description }
  }

  /// The reports of the first replicates of a policy, run where they are not known.
  package func runs(
    _ policy: Policy,
    replicates: Int,
    _ extent: RunExtent
  ) throws(TuningError) -> [RunReport] {
    try reports(Self.requests(policy, replicates, extent))
  }

  /// The requests for the first replicates of a policy.
  static func requests(
    _ policy: Policy,
    _ replicates: Int,
    _ extent: RunExtent
  ) -> [RunRequest] {
    (0..<replicates).map { RunRequest(policy: policy, replicate: $0, extent: extent) }
  }

  /// What the requests come to in the order of a goal's problem; where a limit is relative, the
  /// present policy is run with the same chance.
  package func values(_ requests: [RunRequest], _ goal: Goal) throws(TuningError) -> [[Double]] {
    _ = try reports(needed(requests, goal))
    return requests.map { known($0, goal) }
  }

  /// The mean of each value over the requests.
  func means(_ requests: [RunRequest], _ goal: Goal) throws(TuningError) -> [Double] {
    goal.means(of: try values(requests, goal))
  }

  /// Runs that `values` of the requests would make.
  func price(_ requests: [RunRequest], _ goal: Goal) -> Int {
    fresh(needed(requests, goal)).count
  }

  /// Whether `values` of the requests are within the allowance, with runs to spare left over.
  func affords(_ requests: [RunRequest], _ goal: Goal, sparing spare: Int = 0) -> Bool {
    let runs = price(requests, goal)
    return runs == 0 || runs <= allowance.left - spare
  }

  /// Runs the first replicates of policies whole, all together: of those, in their order, that the
  /// allowance reaches with runs to spare left over.
  func show(
    _ policies: [Policy],
    replicates: Int,
    _ goal: Goal,
    sparing spare: Int = 0
  ) throws(TuningError) {
    var requests: [RunRequest] = []
    for policy in policies {
      let more = requests + Self.requests(policy, replicates, .full)
      if affords(more, goal, sparing: spare) { requests = more }
    }
    _ = try values(requests, goal)
  }

  /// The requests and, for a relative limit, the present policy's runs with the same chance.
  private func needed(_ requests: [RunRequest], _ goal: Goal) -> [RunRequest] {
    guard goal.isRelative else { return requests }
    let present = question.presentPolicy
    return requests
      + requests.map { RunRequest(policy: present, replicate: $0.replicate, extent: $0.extent) }
  }

  /// The values of a policy's known runs of an extent, by replicate.
  package func knownValues(_ policy: Policy, _ goal: Goal, _ extent: RunExtent) -> [[Double]] {
    let replicates = reports.withLock { known in
      known.keys.filter { $0.policy == policy && $0.extent == extent }.map(\.replicate)
    }
    return replicates.sorted().map {
      known(RunRequest(policy: policy, replicate: $0, extent: extent), goal)
    }
  }

  private func known(_ request: RunRequest, _ goal: Goal) -> [Double] {
    reports.withLock { known in
      let beside = RunRequest(
        policy: question.presentPolicy,
        replicate: request.replicate,
        extent: request.extent
      )
      guard let report = known[request] else { preconditionFailure("the run was made before") }
      return goal.values(of: report, beside: known[beside])
    }
  }

  /// The reports of the requests, in their order; what was run before is not run again.
  package func reports(_ requests: [RunRequest]) throws(TuningError) -> [RunReport] {
    let fresh = fresh(requests)
    allowance.take(fresh.count)
    try store(fresh, inParallel(fresh.count, workers: tools.workers) { run(fresh[$0]) })
    return reports.withLock { known in requests.compactMap { known[$0] } }
  }

  /// The requests that were not run before, each once.
  private func fresh(_ requests: [RunRequest]) -> [RunRequest] {
    reports.withLock { known in
      var fresh: [RunRequest] = []
      for request in requests where known[request] == nil && !fresh.contains(request) {
        fresh.append(request)
      }
      return fresh
    }
  }

  private func store(
    _ requests: [RunRequest],
    _ results: [Result<RunReport, TuningError>]
  ) throws(TuningError) {
    for (request, result) in zip(requests, results) {
      let report = try result.get()
      reports.withLock { $0[request] = report }
    }
    guard allowance.limit < .max, !requests.isEmpty else { return }
    tools.progress(allowance.spent, allowance.limit)
  }

  private func run(_ request: RunRequest) -> Result<RunReport, TuningError> {
    do {
      let report = try tools.simulator.report(
        question,
        policy: request.policy,
        seed: seed.replicate(UInt64(request.replicate)),
        extent: request.extent
      )
      return .success(report)
    } catch {
      return .failure(error)
    }
  }
}
