// SPDX-License-Identifier: GPL-3.0-or-later

package import Randomness

/// NSGA-II (Deb and others, 2002) over canonical points, with constrained domination.
///
/// The parents are the best of everything observed, by front and then by crowding distance. Children
/// come from binary tournaments, uniform crossover of levels and mutation of one level on average
/// (a neighbour on ordered dimensions, any level otherwise), brought to canonical form; a child that
/// was observed already is mutated again, and in the end replaced by a random point.
package struct GeneticStrategy: Strategy {
  /// The name `nsga-ii`.
  package let name = "nsga-ii"
  private let space: Space
  private let problem: Problem
  private let seed: Seed
  private let population: Int
  private var ledger: Ledger
  /// The parents, best first.
  private var parents: [Int] = []

  /// Creates the strategy; `population` is the number of parents, at least two.
  package init(space: Space, problem: Problem, seed: Seed, population: Int = 20) {
    precondition(population >= 2, "a tournament needs two parents")
    self.space = space
    self.problem = problem
    self.seed = seed
    self.population = population
    ledger = Ledger(count: space.count)
  }

  /// Breeds up to `count` unobserved points; random ones until a population is observed.
  package func suggest(count: Int) -> Suggestion {
    precondition(count > 0, "a suggestion has at least one point")
    if let stop = ledger.stop { return Suggestion(points: [], stop: stop) }
    var stream = seed.replicate(UInt64(ledger.observations.count)).stream("nsga-ii")
    var children: [Int] = []
    if parents.count >= min(population, space.count) {
      for _ in 0..<count {
        if let child = child(notIn: children, stream: &stream) { children.append(child) }
      }
    }
    return Suggestion(points: ledger.fill(children, to: count, stream: &stream))
  }

  /// Takes results and selects the parents anew.
  package mutating func observe(_ observations: [EvaluatedPoint]) {
    ledger.append(observations)
    let all = ledger.observations
    parents = Ranking(problem: problem, observations: all).best(population).map { all[$0].point }
  }

  private func child(notIn siblings: [Int], stream: inout Stream) -> Int? {
    for _ in 0..<32 {
      let (mother, father) = (tournament(&stream), tournament(&stream))
      var levels = space.points[mother].levels
      for place in levels.indices where stream.next() & 1 == 0 {
        levels[place] = space.points[father].levels[place]
      }
      mutate(&levels, stream: &stream)
      guard let canonical = try? space.canonical(Point(levels: levels)),
        let point = space.index(of: canonical), !ledger.contains(point),
        !siblings.contains(point)
      else { continue }
      return point
    }
    return nil
  }

  /// The better of two parents drawn at random; parents are sorted, so the lower index.
  private func tournament(_ stream: inout Stream) -> Int {
    let count = UInt64(parents.count)
    return parents[Int(min(stream.uniform(below: count), stream.uniform(below: count)))]
  }

  private func mutate(_ levels: inout [Int], stream: inout Stream) {
    let rate = 1 / Double(max(1, levels.count))
    for place in levels.indices where stream.uniform() < rate {
      let choices = space.dimensions[place].levels
      if choices.allSatisfy({ $0.position != nil }), choices.count > 2 {
        let step = stream.next() & 1 == 0 ? 1 : -1
        levels[place] = min(max(0, levels[place] + step), choices.count - 1)
      } else {
        levels[place] = Int(stream.uniform(below: UInt64(choices.count)))
      }
    }
  }
}

/// Observations sorted as NSGA-II sorts: by constrained front, then by crowding distance.
struct Ranking {
  private let violations: [Double]
  private let costs: Costs

  init(problem: Problem, observations: [EvaluatedPoint]) {
    violations = observations.map { problem.violation(of: $0.values) }
    costs = Costs(
      observations.map { problem.costs(of: $0.values) },
      width: problem.objectives.count
    )
  }

  /// The indices of the best `count` observations, best first.
  func best(_ count: Int) -> [Int] {
    var chosen: [Int] = []
    var left = violations.indices.filter { violations[$0] <= 0 }
    while chosen.count < count, !left.isEmpty {
      let front = front(of: left)
      let crowding = distances(front)
      let order = front.indices.sorted {
        (crowding[$0], front[$1]) > (crowding[$1], front[$0])
      }
      chosen += order.map { front[$0] }
      left.removeAll { front.contains($0) }
    }
    let broken = violations.indices.filter { violations[$0] > 0 }
    chosen += broken.sorted { (violations[$0], $0) < (violations[$1], $1) }
    return Array(chosen.prefix(count))
  }

  private func front(of members: [Int]) -> [Int] {
    let own = Costs(members.map { Array(costs[$0]) }, width: costs.width)
    return own.front().map { members[$0] }
  }

  /// The crowding distance of each member of a front; infinite at its ends.
  private func distances(_ front: [Int]) -> [Double] {
    var distances = [Double](repeating: 0, count: front.count)
    for objective in 0..<costs.width {
      let order = front.indices.sorted {
        (costs[front[$0], objective], $0) < (costs[front[$1], objective], $1)
      }
      guard let first = order.first, let last = order.last else { continue }
      let span = costs[front[last], objective] - costs[front[first], objective]
      distances[first] = .infinity
      distances[last] = .infinity
      guard span > 0, span.isFinite, order.count > 2 else { continue }
      for place in 1..<order.count - 1 {
        let gap =
          costs[front[order[place + 1]], objective] - costs[front[order[place - 1]], objective]
        distances[order[place]] += gap / span
      }
    }
    return distances
  }
}
