// SPDX-License-Identifier: GPL-3.0-or-later

import Campaigns
import Observations
import Policies
import Profiles
import Randomness
import Search

extension ModelTrial {
  /// Policies taken from one question's front at most.
  private static let perQuestion = 10

  /// Policies of a question that are scored, evenly over its space: a front of a sample lies near
  /// that of the whole, and what is judged is the model near good policies, not the search.
  private static let scored = 150

  /// Points near Pareto fronts: questions drawn by chance, of each the policies that the model
  /// puts on the front of its standard objectives.
  func frontPoints(from index: Int) throws(ModelError) -> [DesignPoint] {
    let space = try builder.space()
    var chance = Seed(specification.seed).stream("fronts")
    var points: [DesignPoint] = []
    var tries = 0
    while points.count < frontRuns, tries < 20 * max(1, frontRuns) {
      tries += 1
      let group = Int(chance.uniform() * Double(space.workloads.count))
      var question = Question(
        host: space.hosts[Int(chance.uniform() * Double(space.hosts.count))],
        kernel: space.kernels[Int(chance.uniform() * Double(space.kernels.count))],
        workload: space.workloads[group]
      )
      question.knobs = .any
      question.thinning = 3
      for policy in front(question).prefix(frontRuns - points.count) {
        points.append(
          DesignPoint(
            index: index + points.count,
            setup: question.setup,
            policy: policy,
            seed: Seed(specification.seed).derived("fronts").replicate(UInt64(points.count))
              .rawValue,
            group: group
          )
        )
      }
    }
    return points
  }

  /// Up to ten policies of a question's predicted front, evenly along it; none where the model
  /// has no answer.
  private func front(_ question: Question) -> [Policy] {
    // One predictor a question: what it counted of page tables is of no use to another one.
    let predictor = ModelPredictor(model: model)
    guard let space = try? PolicySpace(question) else { return [] }
    let responses = ParetoFinder.standardObjectives(question).map(\.response)
    var policies: [Policy] = []
    var costs = Costs(width: responses.count)
    for policy in Self.sample(space.policies) {
      guard let known = try? predictor.predictions(question, policy: policy) else { continue }
      let values = responses.compactMap { response in
        known[response].map { response.direction == .lower ? $0.value : -$0.value }
      }
      guard values.count == responses.count else { continue }
      policies.append(policy)
      costs.append(values)
    }
    let front = costs.front()
    let kept = min(Self.perQuestion, front.count)
    return (0..<kept).map { policies[front[$0 * front.count / kept]] }
  }

  private static func sample(_ policies: [Policy]) -> [Policy] {
    let count = min(scored, policies.count)
    return (0..<count).map { policies[$0 * policies.count / count] }
  }
}
