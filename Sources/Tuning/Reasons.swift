// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
import PageTables
import Policies
import Profiles
import Quantities
import Search

extension Response {
  /// What the response is called in a sentence.
  var phrase: String {
    switch self {
    case .teardownTime: "teardown"
    case .stageTwoTime: "the stage-2 part"
    case .longestHold: "the longest hold of mmu_lock"
    case .writeProtectTotal: "all write-protection"
    case .writeProtectP99: "the p99 write-protect call"
    case .worstStall: "the worst vCPU stall"
    case .goodputRetained: "TCP goodput kept"
    case .requestP99: "the p99 request"
    case .iopsRetained: "storage requests kept"
    case .connectsFailed: "failed or slow connections"
    case .migrationTime: "the migration"
    case .downtime: "the downtime"
    case .guestLost: "vCPU time that the guest loses"
    }
  }

  /// A value of the response as a person reads it: a time, a percentage or a number.
  func written(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "no value" : "no end" }
    switch unit {
    case .nanoseconds: return Nanoseconds.seconds(rounding: value / 1e9).description
    case .share: return significant(value * 100) + " %"
    case .count: return significant(value)
    }
  }
}

extension RecommendationRun {
  /// The mechanism: what a chunk of the present policy does, and what the winner does to it.
  func reasons() throws(TuningError) -> [String] {
    var reasons: [String] = []
    if let report = bench.known(present, .full).first { reasons += mechanism(report) }
    for violation in goal.violations(of: means(present)) {
      reasons.append("so the present policy \(violation.sentence)")
    }
    guard let winner else { return reasons + nearestReason() }
    if winner == present { return reasons + ["nothing that was simulated is better"] }
    let changed = winner.summary(from: present)
    let (mine, other) = (means(winner), means(present))
    let gains = goal.shown.indices.compactMap { place in
      difference(goal.shown[place], from: other[place], to: mine[place])
    }
    return reasons + ["\(changed): \(gains.joined(separator: ", "))"]
  }

  /// One sentence on the chunk and, where there is a network, one on who waits for it.
  private func mechanism(_ report: RunReport) -> [String] {
    guard let locks = report.locks, locks.longestChunk > .zero else {
      return ["this teardown path takes no mmu_lock and sends no TLB invalidation"]
    }
    var sentences = [
      "a chunk of the present policy (\(present.text(of: .chunk) ?? "")) takes up to "
        + "\(locks.longestChunk), and mmu_lock is held up to \(locks.holds.max ?? .zero)"
    ]
    sentences += guestMechanism(report)
    guard let network = report.network else { return sentences }
    if question.workload.network.reader == .sameCPU, present.interrupt == .sameCPU {
      sentences.append(
        "no task of that CPU runs inside a chunk, the socket's reader included; the longest "
          + "time without a read is \(network.largestGap)"
      )
    }
    if question.kernel.release < KernelRelease(major: 6, minor: 5),
      let wake = network.firstKsoftirqdWake
    {
      sentences.append(
        "ksoftirqd becomes runnable \(wake) into the operation and, up to 6.4, no softirq runs on "
          + "that CPU until the chunk ends (longest \(network.longestWithoutSoftirq))"
      )
    }
    return sentences
  }

  /// One sentence on what notifier calls do to the guest that runs.
  private func guestMechanism(_ report: RunReport) -> [String] {
    guard let guest = report.guest, let faults = report.faults else { return [] }
    func share(_ value: Double) -> String { Response.guestLost.written(value) }
    return [
      "\(guest.calls) notifier calls are in progress \(share(guest.turningBack)) of the time and turn "
        + "back every fault of the guest: \(faults.faults - faults.retries) faults were taken "
        + "\(faults.retries) times more; refilling TLBs takes \(share(guest.refilling)) of each vCPU"
    ]
  }

  private func nearestReason() -> [String] {
    guard let nearest else { return [] }
    let broken = goal.violations(of: means(nearest)).map(\.sentence)
    guard !broken.isEmpty else {
      let text = "keeps the limits on average, but not at \(question.confidence) confidence"
      return ["nearest is \(nearest.description): it \(text)"]
    }
    return ["nearest is \(nearest.description): it " + broken.joined(separator: " and ")]
  }

  /// The policy that comes closest where none is feasible.
  var nearest: Policy? {
    let eligible = finalists.filter { isAllowed($0) }
    guard let place = result?.nearest, eligible.indices.contains(place) else { return nil }
    return eligible[place]
  }

  /// What the winner costs against the present policy, response by response.
  func costs() throws(TuningError) -> [String] {
    guard let winner, winner != present else { return [] }
    let (mine, other) = (means(winner), means(present))
    var costs: [String] = []
    for (place, response) in goal.shown.enumerated() {
      let problem = goal.problem.responses[place]
      let worse = problem.cost(mine[place]) - problem.cost(other[place])
      let threshold = response.unit == .nanoseconds ? 0.01 : 0.001
      guard worse > threshold else { continue }
      if let text = difference(response, from: other[place], to: mine[place]) {
        costs.append(text)
      }
    }
    return costs.isEmpty ? ["nothing that was measured gets worse"] : costs
  }

  /// "teardown 79 s -> 81 s (+2.5 %)", or nil where nothing changes.
  func difference(_ response: Response, from old: Double, to new: Double) -> String? {
    guard old.isFinite, new.isFinite, old != new else { return nil }
    let values = "\(response.phrase) \(response.written(old)) -> \(response.written(new))"
    guard response.unit == .nanoseconds, old > 0 else { return values }
    let change = (new / old - 1) * 100
    guard change.magnitude >= 0.1 else { return nil }
    if change > 900 { return "\(values) (\(significant(new / old)) times)" }
    return "\(values) (\(change > 0 ? "+" : "")\(significant(change, digits: 3)) %)"
  }

  /// The obvious alternatives, each with the reason why it is not the answer.
  func alternatives() -> [Alternative] {
    obvious().map { alternative($0.name, $0.policy, whyNot) }
      + partial().map { alternative($0.name, $0.policy, trade) }
  }

  /// The alternatives that can be run.
  var otherPolicies: [Policy] {
    (obvious() + partial()).map(\.policy).filter { policy in
      (try? policy.validate(in: question.setting)) != nil
        && tools.safety.verdict(question, policy: policy).isSafe
    }
  }

  /// The present policy with one of the knobs turned that come to mind first.
  private func obvious() -> [(name: String, policy: Policy)] {
    var found: [(name: String, policy: Policy)] = []
    for (name, change) in Self.obvious {
      var policy = present
      change(&policy, question)
      policy = policy.canonical(in: question.setting)
      if policy != winner, !found.contains(where: { $0.policy == policy }) {
        found.append((name, policy))
      }
    }
    return found
  }

  /// The winner with one of its knobs turned back, where it turns several.
  private func partial() -> [(name: String, policy: Policy)] {
    guard let winner else { return [] }
    let changes = winner.changes(from: present)
    guard changes.count > 1 else { return [] }
    return changes.compactMap { change in
      let policy = winner.turning(change.key, to: change.from, in: question.setting)
      guard let policy, policy != present else { return nil }
      return ("without \(change.key.rawValue)=\(change.to)", policy)
    }
  }

  /// What the knob is worth that a policy does without, in every response.
  private func trade(_ policy: Policy) -> String {
    let (mine, other) = (means(winner ?? present), means(policy))
    let trade = goal.shown.indices.compactMap {
      difference(goal.shown[$0], from: mine[$0], to: other[$0])
    }
    let sums = trade.isEmpty ? "it behaves alike" : trade.joined(separator: ", ")
    return (goal.violations(of: other).map(\.sentence) + [sums]).joined(separator: "; ")
  }

  private static let obvious: [(String, @Sendable (inout Policy, Question) -> Void)] = [
    ("chunks of the largest block", { policy, _ in policy.chunk = .largestBlock }),
    ("chunks of the smallest block", { policy, _ in policy.chunk = .smallestBlock }),
    (
      "one flush a leaf",
      { policy, question in
        policy.flush = .perLeaf
        policy.chunk = question.setting.baseline.chunk
      }
    ),
    ("one deferred range flush a chunk", { policy, _ in policy.flush = .deferredRange }),
    (
      "one VMID flush above 512 leaves",
      { policy, _ in policy.flush = .vmidAbove(leaves: 512) }
    ),
  ]

  /// Why nothing is said of an alternative that the budget does not reach.
  private static let unseen = "not simulated: the budget's runs are spent"

  private func alternative(
    _ name: String,
    _ policy: Policy,
    _ reason: (Policy) -> String
  ) -> Alternative {
    do {
      try policy.validate(in: question.setting)
    } catch {
      return Alternative(name: name, policy: nil, reason: error.description)
    }
    let safety = tools.safety.verdict(question, policy: policy)
    guard safety.isSafe else {
      return Alternative(name: name, policy: policy.description, reason: safety.sentence)
    }
    let isShown = !bench.known(policy, .full).isEmpty
    let text = isShown ? reason(policy) : Self.unseen
    return Alternative(name: name, policy: policy.description, reason: text)
  }

  private func whyNot(_ policy: Policy) -> String {
    let values = means(policy)
    let broken = goal.violations(of: values)
    if !broken.isEmpty { return broken.map(\.sentence).joined(separator: " and ") }
    guard let winner else { return "keeps the limits on average, but is not confirmed" }
    let text = difference(goal.objective, from: means(winner)[0], to: values[0])
    let needs = PolicySpace.knobClass(of: policy, from: present)
    let patch = needs == .kernel && question.knobs == .today ? "it needs a kernel change; " : ""
    guard let text else { return patch + "its \(goal.objective.phrase) is the same" }
    return patch + "against the recommended one, \(text)"
  }
}

extension Violation {
  /// "breaks io.goodput>=0.97 with 21 %", or that nothing was seen of what the limit bounds.
  var sentence: String {
    guard let value else { return "cannot be held against \(limit): no sample" }
    return "breaks \(limit) with \(response.written(value))"
  }
}
