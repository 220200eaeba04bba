// SPDX-License-Identifier: GPL-3.0-or-later

import GSLKit
package import Randomness

/// A Sobol sequence over the levels: even coverage without learning.
///
/// The sequence is moved by a shift that depends on the seed. Points that come out in a canonical
/// form seen before are skipped; where the sequence yields nothing new for long, the rest is
/// drawn at random.
package struct SobolStrategy: Strategy {
  /// The name `sobol`.
  package let name = "sobol"
  private let space: Space
  private let seed: Seed
  private let shift: [Double]
  private var ledger: Ledger

  /// Creates the strategy; the space has at most 40 dimensions, the limit of the tables.
  package init(space: Space, seed: Seed) {
    precondition(space.dimensions.count <= Sobol.dimensionLimit, "Sobol tables end at 40")
    self.space = space
    self.seed = seed
    var stream = seed.stream("sobol")
    shift = space.dimensions.map { _ in stream.uniform() }
    ledger = Ledger(count: space.count)
  }

  /// Takes the next points of the sequence that were not observed.
  package func suggest(count: Int) -> Suggestion {
    precondition(count > 0, "a suggestion has at least one point")
    if let stop = ledger.stop { return Suggestion(points: [], stop: stop) }
    var chosen: [Int] = []
    let length = 256 + 16 * (ledger.observations.count + count)
    var taken = [Bool](repeating: false, count: space.count)
    for coordinates in sequence(length) {
      guard chosen.count < count else { break }
      guard let point = point(coordinates), !ledger.contains(point), !taken[point] else {
        continue
      }
      taken[point] = true
      chosen.append(point)
    }
    var stream = seed.replicate(UInt64(ledger.observations.count)).stream("sobol fill")
    return Suggestion(points: ledger.fill(chosen, to: count, stream: &stream))
  }

  /// Marks the points as observed.
  package mutating func observe(_ observations: [EvaluatedPoint]) { ledger.append(observations) }

  private func sequence(_ length: Int) -> [[Double]] {
    let points = try? Sobol.points(length, dimensions: shift.count, shift: shift)
    return points ?? []
  }

  private func point(_ coordinates: [Double]) -> Int? {
    let levels = zip(coordinates, space.dimensions).map { coordinate, dimension in
      min(Int(coordinate * Double(dimension.levels.count)), dimension.levels.count - 1)
    }
    guard let canonical = try? space.canonical(Point(levels: levels)) else { return nil }
    return space.index(of: canonical)
  }
}
