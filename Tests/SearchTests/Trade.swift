// SPDX-License-Identifier: GPL-3.0-or-later

import Search

/// A made-up trade of time against interference, with an interaction and a limit: it ranks
/// strategies and says nothing about hardware.
struct Trade {
  let space: Space
  let problem = Problem(
    responses: [
      SearchResponse("time", .minimize, scale: .logarithmic), SearchResponse("kept", .maximize),
      SearchResponse("hold", .minimize, scale: .logarithmic),
    ],
    objectives: [0, 1, 2],
    constraints: [Constraint(response: 2, bound: 300)]
  )

  /// A trade with this many levels on both of its sizes.
  init(sizes: Int) throws {
    let scale = (0..<sizes).map { Level("\($0)", at: Double($0)) }
    space = try Space([
      Dimension("rule", levels: [Level("a"), Level("b"), Level("c")]),
      Dimension("size", levels: scale),
      Dimension("mode", levels: [Level("now"), Level("late")]),
      Dimension("slice", levels: scale, when: [Condition("mode", in: ["late"])]),
      Dimension("pause", levels: (0..<6).map { Level("\($0)", at: Double($0)) }),
    ])
  }

  func values(_ point: Int) -> [Double] {
    let levels = space.points[point].levels
    let size = Double(levels[1]) / 4, slice = Double(levels[3]) / 4
    let rule = [1.0, 0.8, 1.3][levels[0]]
    let late = levels[2] == 1
    let pause = Double(levels[4])
    let time = rule * (1 + 3 / (1 + size * size)) + (late ? 0.4 * slice : 0.9) + 0.15 * pause
    let hold = 20 * rule * (1 + size * size * (late ? 0.5 : 1) + (late ? slice : 0))
    let kept = 1 / (1 + hold / 200) + 0.03 * pause * (1 - 0.1 * pause)
    return [time, kept, hold]
  }

  /// The share of the whole space's hypervolume that observations reach.
  func share(_ observations: [EvaluatedPoint]) -> Double {
    let all = space.points.indices.map { EvaluatedPoint(point: $0, values: values($0)) }
    let truth = feasibleCosts(all)
    let reference = (0..<3).map { column in
      (truth.front().map { truth[$0, column] }.max() ?? 0) + 0.1
    }
    return feasibleCosts(observations).hypervolume(reference: reference)
      / truth.hypervolume(reference: reference)
  }

  private func feasibleCosts(_ observations: [EvaluatedPoint]) -> Costs {
    let feasible = observations.filter { problem.isFeasible($0.values) }
    return Costs(feasible.map { problem.costs(of: $0.values) }, width: 3)
  }
}
