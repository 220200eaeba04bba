// SPDX-License-Identifier: GPL-3.0-or-later

#if canImport(Glibc)
import Glibc
#else
import Foundation
#endif

import Randomness

/// Where to evaluate next: expected hypervolume improvement times probability of feasibility.
struct Criterion {
  private let problem: Problem
  private let modelled: [Int]
  private let models: [SurrogateModel]
  private let reference: [Double]
  private let improvement: Improvement?
  private let normals: [[Double]]
  private let volume: Double
  /// The best expected improvement as a share of the front's volume; infinite without a front.
  private(set) var share = Double.infinity

  init(
    problem: Problem,
    modelled: [Int],
    models: [SurrogateModel],
    front: Costs,
    settings: ModelStrategy.Settings,
    stream: Stream
  ) {
    self.problem = problem
    self.modelled = modelled
    self.models = models
    let best = front.front().map { Array(front[$0]) }
    let corner = Self.reference(best, width: front.width)
    reference = corner
    improvement = best.isEmpty ? nil : Improvement(rows: best, reference: corner)
    volume = Costs(best, width: front.width).hypervolume(reference: corner)
    var stream = stream
    let half = max(1, settings.draws / 2)
    let drawn = (0..<half).map { _ in problem.objectives.map { _ in stream.normal() } }
    // Antithetic pairs, so that the draws have mean zero.
    normals = drawn + drawn.map { $0.map { -$0 } }
  }

  /// A tenth of the front's extent beyond its worst costs.
  private static func reference(_ rows: [[Double]], width: Int) -> [Double] {
    (0..<width).map { objective in
      let column = rows.map { $0[objective] }
      let (low, high) = (column.min() ?? 0, column.max() ?? 0)
      return high + 0.1 * max(high - low, 1e-3 * max(abs(high), 1e-6))
    }
  }

  /// The places of up to `count` points among the open ones, best first.
  mutating func best(_ count: Int, among open: [Int], points: [Int]) -> [Int] {
    let beliefs = models.map { $0.beliefs(at: open) }
    var queue = open.indices.map { place in
      (place: place, score: score(beliefs.map { $0[place] }))
    }
    share = queue.map { exp($0.score) }.max().map { volume > 0 ? $0 / volume : .infinity } ?? 0
    queue.sort { ($0.score, $1.place) > ($1.score, $0.place) }
    queue = Array(queue.prefix(max(64, 8 * count)))
    var chosen: [Int] = []
    while chosen.count < count, !queue.isEmpty {
      let pick = queue.removeFirst().place
      chosen.append(open[pick])
      for place in queue.indices {
        let candidate = queue[place].place
        let rest = models.map { model in
          let shared = model.correlation(points[open[pick]], points[open[candidate]])
          return max(1e-3, 1 - shared * shared)
        }
        queue[place].score += log(rest.max() ?? 1)
      }
      queue.sort { ($0.score, $1.place) > ($1.score, $0.place) }
    }
    return chosen
  }

  /// The logarithm of the expected improvement plus that of the probability of feasibility.
  private func score(_ beliefs: [Belief]) -> Double {
    let likely = problem.constraints.reduce(0) { sum, limit in
      guard let place = modelled.firstIndex(of: limit.response) else { return sum }
      let bound = problem.responses[limit.response].cost(limit.bound)
      let belief = beliefs[place]
      let chance = Quantiles.normalBelow((bound - belief.mean) / max(belief.error, 1e-12))
      return sum + log(max(chance, 1e-12))
    }
    guard let improvement else { return likely }
    let own = problem.objectives.compactMap { modelled.firstIndex(of: $0) }.map { beliefs[$0] }
    return likely + log(max(expected(own, improvement), 1e-300 + 1e-30 * nearness(own)))
  }

  private func expected(_ beliefs: [Belief], _ improvement: Improvement) -> Double {
    let optimistic = beliefs.map { $0.mean - 3 * $0.error }
    guard improvement.volume(addedBy: optimistic) > 0 else { return 0 }
    let sum = normals.reduce(0) { sum, draw in
      sum + improvement.volume(addedBy: zip(beliefs, draw).map { $0.mean + $1 * $0.error })
    }
    return sum / Double(normals.count)
  }

  /// Orders points that no draw lets improve anything: by how uncertain they are.
  private func nearness(_ beliefs: [Belief]) -> Double {
    beliefs.reduce(1) { $0 * max($1.error, 1e-12) }
  }
}
