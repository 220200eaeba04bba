// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import Policies
import Profiles
import Quantities
import Search

/// One property of a workload, varied to find where an answer flips.
private struct Variation {
  let key: String
  let phrase: String
  /// The words before the phrase where no value flips the choice.
  let held: String
  let values: [(text: String, apply: (inout WorkloadProfile) -> Void)]
}

extension RecommendationRun {
  /// Varies the workload away from what was asked, until the winner no longer is the choice.
  ///
  /// Both policies are run whole once on common random numbers; the choice has flipped where the winner
  /// breaks a limit, or the present policy keeps them all and is as good. Values are bisected. Nothing
  /// is said of what the budget does not reach.
  func validity() throws(TuningError) -> [ValidityLimit] {
    guard let winner, winner != present else { return [] }
    var limits: [ValidityLimit] = []
    for variation in variations {
      var reasons: [Int: String?] = [:]
      func reason(_ place: Int) throws(TuningError) -> String? {
        if let known = reasons[place] { return known }
        var changed = question
        variation.values[place].apply(&changed.workload)
        let found = try flips(winner, changed)
        reasons[place] = found
        return found
      }
      // The furthest value first: where the choice stays there, it stays on the way.
      let last = variation.values.count - 1
      guard last >= 0, bench.allowance.left >= 2 * variation.values.count else { continue }
      var flip: Int?
      if try reason(last) != nil {
        var (held, flipped) = (-1, last)
        while flipped - held > 1 {
          let middle = (held + flipped) / 2
          if try reason(middle) != nil { flipped = middle } else { held = middle }
        }
        flip = flipped
      }
      let tried = reasons.keys.sorted().map { variation.values[$0].text }
      let found = flip.map { (text: variation.values[$0].text, reason: (reasons[$0] ?? nil) ?? "") }
      limits.append(limit(variation, tried, found))
    }
    return limits
  }

  private func limit(
    _ variation: Variation,
    _ tried: [String],
    _ flip: (text: String, reason: String)?
  ) -> ValidityLimit {
    let last = tried.last ?? ""
    let sentence =
      flip.map { "at \(variation.phrase) \($0.text) \($0.reason)" }
      ?? "holds \(variation.held) \(variation.phrase) \(last)"
    return ValidityLimit(
      key: variation.key,
      tried: tried,
      flipsAt: flip?.text,
      sentence: sentence
    )
  }

  /// Why the choice is another for a changed question, or nil where it stays.
  private func flips(_ winner: Policy, _ changed: Question) throws(TuningError) -> String? {
    let bench = Bench(changed, tools: tools, allowance: bench.allowance)
    let requests = [winner, present].map { RunRequest(policy: $0, replicate: 0, extent: .full) }
    let rows = try bench.values(requests, goal)
    let (mine, other) = (rows[0], rows[1])
    let own = goal.violations(of: mine)
    let isPresentFine = goal.violations(of: other).isEmpty
    if let broken = own.first {
      return isPresentFine
        ? "the present policy is the better one" : "it \(broken.sentence)"
    }
    let gap = goal.problem.costs(of: mine)[0] - goal.problem.costs(of: other)[0]
    return isPresentFine && gap >= 0 ? "keep the present policy, which is as good" : nil
  }

  private var variations: [Variation] {
    let workload = question.workload
    var found: [Variation] = []
    if question.setup.layout == .mix, workload.memory.blockShare < 1 {
      let shares = [0.25, 0.5, 0.75, 0.9, 1].filter { $0 > workload.memory.blockShare }
      found.append(
        Variation(
          key: "vm.block_share",
          phrase: "a share of \(question.setting.smallestBlock.spaced) leaves of",
          held: "up to",
          values: shares.map { share in
            (significant(share), { $0.memory.blockShare = share })
          }
        )
      )
    }
    let offered = workload.network.offered
    if workload.network.flows > 0, offered > .zero {
      found.append(
        Variation(
          key: "net.offered",
          phrase: "an offered load of",
          held: "down to",
          values: [Int64(2), 4, 8].map { part in
            let rate = BitRate(rawValue: offered.rawValue / part)
            return (rate.description, { $0.network.offered = rate })
          }
        )
      )
      found.append(
        Variation(
          key: "net.reader",
          phrase: "a socket reader",
          held: "with",
          values: workload.network.reader == .sameCPU
            ? [("on another CPU", { $0.network.reader = .elsewhere })]
            : [("on the walking CPU", { $0.network.reader = .sameCPU })]
        )
      )
    }
    return found
  }
}
