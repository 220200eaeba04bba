// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Profiles
import Randomness
import TestSupport
import Testing

@testable import CostModels

@Suite("The structural part")
struct StructuralFitTests {
  /// A sample of a response from features and values, none stopped at a limit.
  private func sample(
    _ response: Response,
    _ features: [FeatureVector],
    _ value: (FeatureVector) -> Double
  ) -> ResponseSample {
    let values = features.map(value)
    let scale = ResponseScale(of: response)
    return ResponseSample(
      response: response,
      scale: scale,
      features: features,
      values: values,
      targets: values.map { scale.forward($0) },
      isCensored: values.map { _ in false }
    )
  }

  /// Vectors whose features have sizes by chance over three decades.
  private func vectors(
    _ count: Int,
    _ features: [Feature],
    _ chance: inout Randomness.Stream
  ) -> [FeatureVector] {
    (0..<count).map { _ in
      vector(
        Dictionary(uniqueKeysWithValues: features.map { ($0, pow(10, 6 + 3 * chance.uniform())) })
      )
    }
  }

  private func coefficient(_ mean: StructuralMean, _ feature: Feature) -> Double? {
    mean.terms.first { $0.feature == feature }?.coefficient
  }

  @Test("A time's coefficient is found, for any coefficient", arguments: [0.2, 0.9, 1, 1.3, 5])
  func oneTerm(truth: Double) throws {
    var chance = Seed(1).stream("one")
    let features = vectors(200, [.fluidWhole], &chance)
    let sample = sample(.teardownTime, features) { truth * $0[.fluidWhole] }
    let mean = try StructuralFit(sample: sample).mean()
    let found = try #require(coefficient(mean, .fluidWhole))
    #expect(mean.terms.count == 1 && mean.queueing == nil && mean.constant == 0)
    #expect(abs(found / truth - 1) < 0.005, "\(found)")
    // The little that is missing pulls towards one, where counts times costs are the truth.
    #expect(abs(found - 1) <= abs(truth - 1) + 1e-9)
    for vector in features.prefix(10) {
      let value = mean.scale.backward(mean.value(vector))
      #expect(abs(value / (truth * vector[.fluidWhole]) - 1) < 0.006)
    }
  }

  @Test("Both coefficients of a sum are found", arguments: Property.seeds(5))
  func twoTerms(seed: UInt64) throws {
    var chance = Seed(seed).stream("two")
    let features = vectors(300, [.preCopyProtecting, .stageTwoWork], &chance)
    let sample = sample(.writeProtectTotal, features) {
      (1.2 * $0[.preCopyProtecting] + 0.4 * $0[.stageTwoWork]) * exp(0.01 * chance.normal())
    }
    let mean = try StructuralFit(sample: sample).mean()
    #expect(try #require(coefficient(mean, .preCopyProtecting)).isNear(1.2, 0.02), "\(seed)")
    #expect(try #require(coefficient(mean, .stageTwoWork)).isNear(0.4, 0.02), "\(seed)")
  }

  @Test("A few runs that went wrong do not move a coefficient")
  func robust() throws {
    var chance = Seed(2).stream("robust")
    let features = vectors(200, [.fluidWhole], &chance)
    var run = 0
    let sample = sample(.teardownTime, features) {
      run += 1
      return (run % 20 == 0 ? 30 : 1.1) * $0[.fluidWhole]
    }
    let mean = try StructuralFit(sample: sample).mean()
    #expect(try #require(coefficient(mean, .fluidWhole)).isNear(1.1, 0.02))
  }

  @Test("A term that would be negative is left out: work never shortens a time")
  func nonNegative() throws {
    var chance = Seed(3).stream("negative")
    let features = vectors(200, [.preCopyProtecting, .stageTwoWork], &chance)
    let sample = sample(.writeProtectTotal, features) {
      max(1e5, 2 * $0[.preCopyProtecting] - 0.5 * $0[.stageTwoWork])
    }
    let mean = try StructuralFit(sample: sample).mean()
    #expect(mean.terms.allSatisfy { $0.coefficient >= 0 })
    #expect(coefficient(mean, .stageTwoWork) == nil && coefficient(mean, .preCopyProtecting) != nil)
  }

  @Test("Without a term that is ever other than zero, a time is its median")
  func noTerms() throws {
    let features = (0..<21).map { vector([.vcpus: Double($0)]) }
    let sample = sample(.teardownTime, features) { 1e6 * (1 + $0[.vcpus]) }
    let mean = try StructuralFit(sample: sample).mean()
    #expect(mean.terms.isEmpty && mean.constant == 11e6)
    #expect(mean.scale.backward(mean.value(features[0])).isNear(11e6))
  }

  @Test("The queueing factor of terms that know no load is found, and none where a fluid queued")
  func queueing() throws {
    var chance = Seed(4).stream("queueing")
    let (a, b) = (1.5, 0.6)
    // Most runs have no load, so that the term's own coefficient is known before the factor.
    let features = (0..<400).map { run in
      let load = run % 4 == 0 ? 0.7 : 0
      return vector([
        .callStretch: pow(10, 6 + 2 * chance.uniform()), .softirqLoad: load * chance.uniform(),
        .taskLoad: load * chance.uniform(), .schedulerSlice: 3e6,
        .longestStretch: pow(10, 5 + 3 * chance.uniform()),
      ])
    }
    func stretched(_ vector: FeatureVector) -> Double {
      let (interrupts, tasks) = (vector[.softirqLoad], vector[.taskLoad])
      let broken = 3e6 / (3e6 + vector[.longestStretch])
      return 1 + a * interrupts / (1 - interrupts) + b * broken * tasks / (1 - tasks)
    }
    let sample = sample(.writeProtectP99, features) { $0[.callStretch] * stretched($0) }
    let mean = try StructuralFit(sample: sample).mean()
    let found = try #require(mean.queueing)
    #expect(found.interrupts.isNear(a, 0.05) && found.tasks.isNear(b, 0.05), "\(found)")
    let fluids = features.map { vector in
      var vector = vector
      vector[.fluidWhole] = vector[.callStretch]
      return vector
    }
    let fluid = self.sample(.teardownTime, fluids) { $0[.fluidWhole] * stretched($0) }
    #expect(try StructuralFit(sample: fluid).mean().queueing == nil)
  }

  @Test("The queueing factor is its formula, one without load, and never endless")
  func factor() {
    let queueing = StructuralMean.Queueing(interrupts: 2, tasks: 3)
    #expect(queueing.logarithm(vector([:])) == 0)
    let half = vector([
      .softirqLoad: 0.5, .taskLoad: 0.5, .schedulerSlice: 3e6, .longestStretch: 3e6,
    ])
    #expect(queueing.logarithm(half).isNear(log(1 + 2 + 3 * 0.5)))
    let full = vector([.softirqLoad: 4, .taskLoad: 4, .competitors: 9])
    #expect(queueing.logarithm(full).isNear(log(1 + 2 * 9 + 3 * 9)))
    let competing = vector([.competitors: 1])
    #expect(queueing.logarithm(competing).isNear(log(1 + 3)))
  }

  @Test("A share on the scale of odds: slope and constant are found")
  func shares() throws {
    var chance = Seed(5).stream("shares")
    let features = (0..<300).map { _ in vector([.fluidGoodput: chance.uniform()]) }
    let sample = sample(.goodputRetained, features) {
      let place = 0.3 + 0.8 * Feature.fluidGoodput.transformed($0[.fluidGoodput])
      return ResponseScale.odds.backward(place)
    }
    let mean = try StructuralFit(sample: sample).mean()
    #expect(try #require(coefficient(mean, .fluidGoodput)).isNear(0.8, 0.01))
    #expect(mean.constant.isNear(0.3, 0.01))
    #expect(mean.scale == .odds && mean.queueing == nil)
  }

  @Test("Of what connections fail by, each slope is found among the others")
  func counts() throws {
    var chance = Seed(6).stream("counts")
    let terms = StructuralFit.candidates(.connectsFailed)
    let features = (0..<500).map { _ in
      vector(
        Dictionary(
          uniqueKeysWithValues: terms.map {
            ($0, $0.scale == .linear ? chance.uniform() : pow(10, 4 + 4 * chance.uniform()))
          }
        )
      )
    }
    let slopes = Dictionary(
      uniqueKeysWithValues: zip(terms, [0.3, 0.2, 0.5, 0.4, -0.1, -0.2, 0.6])
    )
    let sample = sample(.connectsFailed, features) { vector in
      exp(2 + terms.reduce(0) { $0 + (slopes[$1] ?? 0) * $1.transformed(vector[$1]) }) - 1
    }
    let mean = try StructuralFit(sample: sample).mean()
    for term in mean.terms {
      #expect(term.coefficient.isNear(slopes[term.feature] ?? 0, 0.03), "\(term)")
    }
    #expect(Set(mean.terms.map(\.feature)) == Set(terms))
  }
}
