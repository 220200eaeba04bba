// SPDX-License-Identifier: GPL-3.0-or-later

package import Randomness

/// Why a search ended.
package enum StudyEnd: String, Hashable, Sendable, CaseIterable, Codable {
  /// The stated number of evaluations was spent.
  case budget
  /// Every canonical point has been evaluated.
  case exhausted
  /// The strategy expects no further improvement that is worth an evaluation.
  case converged
  /// The space has no point.
  case emptySpace = "empty-space"
}

/// What a strategy wants evaluated next, or why it wants nothing more.
package struct Suggestion: Hashable, Sendable, Codable {
  /// Indices of canonical points, distinct and not observed before.
  package let points: [Int]
  /// Set where `points` is empty.
  package let stop: StudyEnd?

  /// Creates a suggestion of points; an empty list needs a reason.
  package init(points: [Int], stop: StudyEnd? = nil) {
    precondition(points.isEmpty == (stop != nil), "a reason stands where nothing is suggested")
    self.points = points
    self.stop = stop
  }
}

/// A way to choose points.
///
/// The contract, tested alike for every strategy: suggestions are distinct canonical points that
/// were not observed; `suggest` changes nothing, so asking twice answers twice the same; the same
/// seed and observations give the same suggestions; an empty space, and one whose points are all
/// observed, is a stop reason.
package protocol Strategy: Sendable {
  /// The name that reports print.
  var name: String { get }
  /// Up to `count` (at least one) points to evaluate next.
  func suggest(count: Int) -> Suggestion
  /// Takes the results of evaluations, whoever proposed them.
  mutating func observe(_ observations: [EvaluatedPoint])
}

/// The observed points of a space, with the set kept as flags so that its order is fixed.
struct Ledger: Sendable {
  private(set) var observations: [EvaluatedPoint] = []
  private var flags: [Bool]
  private(set) var distinct = 0

  init(count: Int) { flags = [Bool](repeating: false, count: count) }

  mutating func append(_ more: [EvaluatedPoint]) {
    for observation in more {
      precondition(flags.indices.contains(observation.point), "an observed point is in the space")
      if !flags[observation.point] { distinct += 1 }
      flags[observation.point] = true
      observations.append(observation)
    }
  }

  func contains(_ point: Int) -> Bool { flags[point] }

  var size: Int { flags.count }

  /// The reason why there is nothing to suggest, or nil where there is something.
  var stop: StudyEnd? {
    if flags.isEmpty { return .emptySpace }
    return distinct == flags.count ? .exhausted : nil
  }

  /// A uniformly drawn choice of unobserved points that are not in `taken` yet.
  func fill(_ taken: [Int], to count: Int, stream: inout Stream) -> [Int] {
    var chosen = taken
    var skip = flags
    for point in taken { skip[point] = true }
    var free = skip.indices.filter { !skip[$0] }
    while chosen.count < count, !free.isEmpty {
      let place = Int(stream.uniform(below: UInt64(free.count)))
      chosen.append(free[place])
      free.swapAt(place, free.count - 1)
      free.removeLast()
    }
    return chosen
  }
}

/// Uniform choice without repetition: what every other strategy must beat.
package struct RandomStrategy: Strategy {
  /// The name `random`.
  package let name = "random"
  private let seed: Seed
  private var ledger: Ledger

  /// Creates the strategy for a space.
  package init(space: Space, seed: Seed) {
    self.seed = seed
    ledger = Ledger(count: space.count)
  }

  /// Draws up to `count` unobserved points.
  package func suggest(count: Int) -> Suggestion {
    precondition(count > 0, "a suggestion has at least one point")
    if let stop = ledger.stop { return Suggestion(points: [], stop: stop) }
    var stream = seed.replicate(UInt64(ledger.observations.count)).stream("random")
    return Suggestion(points: ledger.fill([], to: count, stream: &stream))
  }

  /// Marks the points as observed.
  package mutating func observe(_ observations: [EvaluatedPoint]) { ledger.append(observations) }
}
