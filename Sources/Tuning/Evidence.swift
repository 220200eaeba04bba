// SPDX-License-Identifier: GPL-3.0-or-later

import CostModels
import Observations
import Operations
import Policies
import Profiles
import Search

/// What is known of one policy in one place, before it is judged.
struct KnownEffects {
  var predicted: [Response: PredictedValue] = [:]
  var reports: [RunReport] = []
  var source = AnswerSource.model

  /// The values that judge: those of the runs where there are any.
  var values: [Response: Double] {
    reports.isEmpty ? predicted.mapValues(\.value) : Recommender.means(reports)
  }

  /// The prediction that is furthest out of the model's domain.
  private var furthest: PredictedValue? {
    let order: [Validity.Place] = [.extrapolating, .edge, .inside]
    let all = Response.allCases.compactMap { predicted[$0] }
    return order.lazy.compactMap { place in all.first { $0.place == place } }.first
  }

  /// How far the model reaches here; nil without one.
  var place: Validity.Place? { furthest?.place }

  /// Why the model's place is not inside.
  var placeReason: String? { furthest?.reason }

  /// The responses of which some run saw no sample, or too few for a percentile below the largest.
  var fewSamples: [SampleCount]? {
    let found = Response.allCases.compactMap { response in
      let few = reports.filter { $0.samples(of: response) == 0 || $0.isLargest(response) }
      return few.compactMap { $0.samples(of: response) }.min()
        .map { SampleCount(response: response, count: $0) }
    }
    return found.isEmpty ? nil : found
  }

  /// A response as predicted and as simulated.
  func effect(_ response: Response, _ confidence: Double) -> Effect {
    let values = reports.compactMap { $0.value(of: response) }
    return Effect(
      response: response,
      predicted: predicted[response],
      simulated: values.isEmpty
        ? nil : SimulatedValue(Estimate(values), response, confidence: confidence)
    )
  }
}

/// The evidence of a what-if: one entry for each policy in each place, made once.
struct Evidence {
  let tools: TuningTools
  let isExact: Bool
  private var entries: [Place: KnownEffects] = [:]
  private var goals: [Place: Goal] = [:]

  /// Where a policy runs, as far as it decides the figures.
  private struct Place: Hashable {
    let setup: Setup
    let policy: Policy

    init(_ question: Question, _ policy: Policy) {
      setup = question.setup
      self.policy = policy.canonical(in: question.setting)
    }
  }

  init(tools: TuningTools, isExact: Bool) {
    self.tools = tools
    self.isExact = isExact
  }

  /// Refuses cases that are impossible before anything is run.
  func prepare(_ cases: [WhatIfCase]) throws(TuningError) {
    for one in cases {
      do {
        try one.policy.validate(in: one.question.setting)
      } catch {
        throw .impossiblePolicy(error.description)
      }
    }
  }

  /// The goal of a question, its relative limits from the present policy there.
  mutating func goal(_ question: Question) throws(TuningError) -> Goal {
    let place = Place(question, question.presentPolicy)
    if let goal = goals[place] { return goal }
    let goal = try Goal(question, present: known(question, question.presentPolicy).values)
    goals[place] = goal
    return goal
  }

  /// What is known of a policy: the model's figures where it reaches, else runs.
  mutating func known(
    _ question: Question,
    _ policy: Policy
  ) throws(TuningError) -> KnownEffects {
    let place = Place(question, policy)
    if let found = entries[place] { return found }
    var effects = KnownEffects()
    effects.predicted = try tools.predictor?.predictions(question, policy: place.policy) ?? [:]
    effects.source = source(question, effects)
    if effects.source != .model {
      effects.reports = try Bench(question, tools: tools)
        .runs(place.policy, replicates: WhatIf.replicates, .full)
    }
    entries[place] = effects
    return effects
  }

  private func source(_ question: Question, _ effects: KnownEffects) -> AnswerSource {
    if isExact { return .simulation }
    if tools.predictor == nil { return .simulationWithoutModel }
    let isKnown = effects.predicted[question.goal.response] != nil
    let reaches = !effects.predicted.values.contains(where: \.isExtrapolated)
    return isKnown && reaches ? .model : .simulationOutsideDomain
  }
}
