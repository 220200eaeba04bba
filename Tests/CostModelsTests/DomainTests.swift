// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Observations
import Profiles
import Randomness
import TestSupport
import Testing

@testable import CostModels

@Suite("Where a model has seen runs")
struct DomainTests {
  /// A vector within the runs of `domain`, by chance.
  private func inside(_ chance: inout Randomness.Stream) -> [Double] {
    Feature.allCases.map { feature in
      let share = chance.uniform()
      let isShare = feature.scale == .linear || feature.scale == .odds(0.02)
      return isShare ? share : share * 1e6
    }
  }

  @Test(
    "Inside is between the least and the greatest of every feature",
    arguments: Property.seeds(10)
  )
  func ranges(seed: UInt64) {
    var chance = Seed(seed).stream("ranges")
    let runs = (0..<20).map { _ in FeatureVector(values: inside(&chance)) }
    let domain = Domain(runs)
    #expect(domain.ranges.map(\.feature) == Feature.allCases)
    for run in runs { #expect(domain.validity(run) == Validity(place: .inside, reason: nil)) }
    for (range, feature) in zip(domain.ranges, Feature.allCases) {
      let column = runs.map { $0[feature] }
      #expect(range.low == column.min() && range.high == column.max())
    }
    let asked = FeatureVector(values: inside(&chance))
    let isInside = zip(domain.ranges, asked.values).allSatisfy { $0.low <= $1 && $1 <= $0.high }
    #expect((domain.validity(asked).place == .inside) == isInside, "S2TUNE_SEED=\(seed)")
  }

  /// Two runs that differ in one feature alone.
  private func domain(_ feature: Feature, _ low: Double, _ high: Double) -> Domain {
    Domain([vector([feature: low]), vector([feature: high])])
  }

  @Test(
    "A twentieth of the transformed range is the edge, further out is extrapolation",
    arguments: [
      Feature.leafWork, .softirqLoad, .vcpus, .packetRate, .mapped, .offered,
    ]
  )
  func margin(feature: Feature) {
    let (low, high) = feature.scale == .linear ? (0.2, 0.7) : (1e7, 1e10)
    let (start, end) = (feature.transformed(low), feature.transformed(high))
    /// The value at a share of the transformed range, found by halving.
    func value(_ share: Double) -> Double {
      let place = start + share * (end - start)
      var (below, above) = (0.0, 1e12)
      for _ in 0..<200 {
        let middle = (below + above) / 2
        if feature.transformed(middle) < place { below = middle } else { above = middle }
      }
      return above
    }
    let domain = domain(feature, low, high)
    for (share, place) in [
      (-0.051, Validity.Place.extrapolating), (-0.049, .edge), (0.001, .inside), (0.999, .inside),
      (1.049, .edge), (1.051, .extrapolating), (2, .extrapolating),
    ] {
      let verdict = domain.validity(vector([feature: value(share)]))
      #expect(verdict.place == place, "\(feature) at \(share)")
      guard place != .inside else { continue }
      #expect(verdict.reason == .range(domain.ranges[index(feature)], value: value(share)))
    }
  }

  private func index(_ feature: Feature) -> Int { Feature.allCases.firstIndex(of: feature) ?? 0 }

  @Test("The feature that is furthest out is named, with its value and the runs' range")
  func worst() {
    let low = vector([.leafWork: 1e4, .vcpus: 2, .softirqLoad: 0.1])
    let high = vector([.leafWork: 1e6, .vcpus: 8, .softirqLoad: 0.3])
    let asked = vector([.leafWork: 2e6, .vcpus: 8.1, .softirqLoad: 0.9])
    let verdict = Domain([low, high]).validity(asked)
    #expect(verdict.place == .extrapolating)
    #expect(
      verdict.description == "extrapolating: softirq_load_share is 0.9, the runs have 0.1 to 0.3"
    )
    let near = Domain([low, high]).validity(
      vector([.leafWork: 1e5, .vcpus: 8.1, .softirqLoad: 0.2])
    )
    #expect(near.description == "edge: vcpu_count is 8.1, the runs have 2.0 to 8.0")
    #expect(Domain([low, high]).validity(low).description == "inside the runs")
    let sparse = Validity(place: .edge, reason: .sparse(nearness: 0.01))
    #expect(sparse.description == "edge: no run is near (correlation 0.01 with the nearest)")
  }

  @Test("A range of one point has room by the feature's own size")
  func onePoint() {
    let domain = domain(.leafWork, 1e6, 1e6)
    #expect(domain.validity(vector([.leafWork: 1e6])).place == .inside)
    #expect(domain.validity(vector([.leafWork: 1e6 * (1 + 1e-12)])).place == .inside)
    #expect(domain.validity(vector([.leafWork: 1.02e6])).place == .edge)
    #expect(domain.validity(vector([.leafWork: 2e6])).place == .extrapolating)
    #expect(domain.validity(vector([.leafWork: .infinity])).place == .extrapolating)
  }

  @Test("The ranges come back from a file")
  func coding() throws {
    let domain = domain(.leafWork, 1e4, 1e6 / 3)
    let data = try JSONEncoder().encode(domain)
    #expect(try JSONDecoder().decode(Domain.self, from: data) == domain)
  }
}

@Suite("The space in which distances are taken")
struct FeatureSpaceTests {
  private func runs(_ chance: inout Randomness.Stream) -> [FeatureVector] {
    (0..<50).map { _ in
      let work = exp(10 + 3 * chance.normal())
      return vector([
        .leafWork: work, .tableWork: work, .softirqLoad: chance.uniform(), .vcpus: 4,
        .fluidGoodput: chance.uniform(), .chunks: Double(chance.uniform(below: 100)),
      ])
    }
  }

  @Test("Axes have mean zero and deviation one; constants and repetitions have none")
  func standardised() {
    var chance = Seed(1).stream("space")
    let runs = runs(&chance)
    let space = FeatureSpace(runs)
    #expect(space.axes.map(\.feature) == [.leafWork, .chunks, .softirqLoad, .fluidGoodput])
    let points = runs.map { space.coordinates($0) }
    for axis in 0..<space.dimensions {
      let column = points.map { $0[axis] }
      #expect(column.reduce(0, +).isNear(0, 1e-9))
      #expect((dot(column, column) / 50).isNear(1))
    }
    let first = space.axes[0]
    let place = (log(1 + runs[7][.leafWork] / 1_000) - first.mean) / first.deviation
    #expect(points[7][0].isNear(place, 1e-12))
    let kept = space.keeping([3, 0])
    #expect(kept.coordinates(runs[7]) == [points[7][3], points[7][0]])
  }

  @Test("Only features that are named can be axes")
  func candidates() {
    var chance = Seed(2).stream("space")
    let runs = runs(&chance)
    #expect(FeatureSpace(runs, among: [.tableWork, .vcpus]).axes.map(\.feature) == [.tableWork])
    #expect(FeatureSpace(runs, among: []).dimensions == 0)
    #expect(FeatureSpace([runs[0]]).dimensions == 0)
  }
}

@Suite("What a response may depend on")
struct ResponseAxesTests {
  @Test(
    "No axis is named twice, and the structure's terms are among them or in fluids",
    arguments: Response.allCases
  )
  func unique(response: Response) {
    let axes = ResponseFit.axes(of: response)
    #expect(Set(axes).count == axes.count && axes.count >= 10)
    #expect(!StructuralFit.candidates(response).isEmpty)
    #expect(
      Set(StructuralFit.candidates(response)).count == StructuralFit.candidates(response).count
    )
  }

  @Test("A mechanism that cannot touch a response is no axis of it")
  func mechanisms() {
    let network: Set<Feature> = [.ringFill, .windowFill, .requestRate, .threadedNAPI, .queueDepth]
    for response in [Response.writeProtectTotal, .writeProtectP99, .worstStall, .downtime] {
      #expect(network.isDisjoint(with: ResponseFit.axes(of: response)), "\(response)")
    }
    let guest: Set<Feature> = [.dirtyRate, .link, .downtimeLimit, .workingSet]
    for response in [Response.goodputRetained, .requestP99, .iopsRetained, .teardownTime] {
      #expect(guest.isDisjoint(with: ResponseFit.axes(of: response)), "\(response)")
    }
    #expect(Set(ResponseFit.axes(of: .goodputRetained)).isSuperset(of: [.fluidGoodput, .ringFill]))
    #expect(Set(ResponseFit.axes(of: .migrationTime)).isSuperset(of: [.dirtyRate, .preCopyTime]))
  }
}
