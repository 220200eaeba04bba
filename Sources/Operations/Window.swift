// SPDX-License-Identifier: GPL-3.0-or-later

package import Quantities

/// How much of each part of an operation a window keeps.
package struct Window: Hashable, Sendable {
  /// CPU time of stage-2 work that is kept, whole units rounded up.
  package var stageTwo = Nanoseconds.milliseconds(500)
  /// CPU time of host-side work that is kept.
  package var hostSide = Nanoseconds.milliseconds(100)
  /// A single unit longer than this is cut: a chunk of minutes is like one of seconds.
  package var longestUnit = Nanoseconds.seconds(2)
  /// Time before the operation starts.
  package var warmUp = Nanoseconds.milliseconds(60)

  /// The work of a step that a window keeps where nothing else is in it.
  func keeps(_ step: WorkStep) -> Nanoseconds { step.unit > longestUnit ? longestUnit : step.work }

  /// A window of half a second of stage-2 work, for ranking policies.
  package init() {}
}

/// A plan of which some parts are cut short, and by how much each must be scaled up.
package struct ScaledPlan: Sendable {
  package var plan: WorkPlan
  /// How much longer each step is in the whole plan, by group and step.
  package var scales: [[Double]]
  /// Whether a group's rounds repeat in the whole plan, so that it is scaled as one.
  package var isRound: [Bool]
  /// Whether anything was cut.
  package var isCut: Bool

  /// The plan as it is.
  package init(whole plan: WorkPlan) {
    self.plan = plan
    scales = plan.groups.map { $0.steps.map { _ in 1 } }
    isRound = plan.groups.map { $0.repeats > 1 }
    isCut = false
  }

  /// The plan cut to a window.
  package init(_ whole: WorkPlan, window: Window) {
    var groups: [WorkGroup] = []
    scales = []
    isRound = []
    for group in Self.merged(whole.groups) {
      let cut = group.repeats > 1 ? Self.rounds(group, window) : Self.chains(group, window)
      groups.append(cut.group)
      scales.append(cut.scales)
      isRound.append(group.repeats > 1)
    }
    plan = WorkPlan(groups)
    isCut = scales.contains { $0.contains { $0 != 1 } }
  }

  /// Adds a group and what is known of it.
  package mutating func append(_ group: WorkGroup, _ scales: [Double], isRound: Bool) {
    plan.groups.append(group)
    self.scales.append(scales)
    self.isRound.append(isRound)
  }

  /// Groups that repeat, equal ones merged wherever they stand.
  private static func merged(_ groups: [WorkGroup]) -> [WorkGroup] {
    guard groups.count > 1 else { return groups }
    var merged: [WorkGroup] = []
    for group in groups {
      if let same = merged.firstIndex(where: { $0.steps == group.steps }) {
        merged[same].repeats += group.repeats
      } else {
        merged.append(group)
      }
    }
    return merged
  }

  /// Keeps the first rounds of a group that repeats.
  private static func rounds(
    _ group: WorkGroup,
    _ window: Window
  ) -> (group: WorkGroup, scales: [Double]) {
    let round = group.steps.reduce(Nanoseconds.zero) { $0 + $1.work }
    let wanted = max(1, (window.stageTwo.rawValue / max(1, round.rawValue)) + 1)
    let kept = min(group.repeats, wanted)
    let scale = Double(group.repeats) / Double(kept)
    return (WorkGroup(group.steps, repeats: kept), group.steps.map { _ in scale })
  }

  /// Keeps the beginning of every stretch of steps of one kind.
  private static func chains(
    _ group: WorkGroup,
    _ window: Window
  ) -> (group: WorkGroup, scales: [Double]) {
    var steps: [WorkStep] = []
    var scales: [Double] = []
    let last = group.steps.lastIndex { $0.kind == .stageTwo }
    var first = 0
    while first < group.steps.count {
      let kind = group.steps[first].kind
      let end = group.steps[first...].firstIndex { $0.kind != kind } ?? group.steps.count
      let budget = kind == .stageTwo ? window.stageTwo : window.hostSide
      let left = last.map { first <= $0 && $0 < end } == true ? group.left : .zero
      let kept = cut(Array(group.steps[first..<end]), budget, window.longestUnit, left)
      steps += kept.steps
      scales += kept.steps.map { _ in kept.scale }
      first = end
    }
    return (WorkGroup(steps), scales)
  }

  /// The longest wait of the VMM that a window keeps.
  private static let longestWait = Nanoseconds.seconds(4)

  private static func cut(
    _ chain: [WorkStep],
    _ budget: Nanoseconds,
    _ longest: Nanoseconds,
    _ leftOut: Nanoseconds
  ) -> (steps: [WorkStep], scale: Double) {
    guard let kind = chain.first?.kind, kind == .stageTwo || kind == .hostSide else {
      let whole = chain.reduce(Nanoseconds.zero) { $0 + $1.work }
      guard chain.count == 1, whole > longestWait else { return (chain, 1) }
      // A long wait for a link is like a shorter one.
      return ([WorkStep(.sleep, unit: longestWait)], whole.inSeconds / longestWait.inSeconds)
    }
    var steps: [WorkStep] = []
    var left = budget
    for step in chain where left > .zero {
      var step = step
      if step.unit > longest {
        step.unit = longest
        step.units = 1
      } else if step.unit > .zero {
        step.units = min(step.units, left / step.unit + 1)
      }
      left -= step.work
      steps.append(step)
    }
    steps[steps.count - 1].continues = false
    let whole = chain.reduce(leftOut.inSeconds) { $0 + $1.work.inSeconds }
    let kept = steps.reduce(0.0) { $0 + $1.work.inSeconds }
    return (steps, kept > 0 ? whole / kept : 1)
  }
}

extension Window {
  /// The window that comparisons use and that estimates know of: 0.4 s of stage-2 work and 0.1 s of
  /// host-side work.
  package static var standard: Window {
    var window = Window()
    window.stageTwo = .milliseconds(400)
    window.hostSide = .milliseconds(100)
    return window
  }
}
