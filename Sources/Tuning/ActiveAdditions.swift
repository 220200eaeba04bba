// SPDX-License-Identifier: GPL-3.0-or-later

package import Campaigns
import CostModels
import Observations
import Operations
import Profiles
import Randomness

/// Why a run is added to a design.
package enum AdditionReason: String, Hashable, Sendable, CaseIterable, Codable {
  /// The model's intervals are widest there.
  case widest = "widest-interval"
  /// The model puts the policy on a Pareto front.
  case front = "near-front"
  /// A limit of the workload lies in the interval, or near it.
  case limit = "near-limit"
}

/// A point that a model asks for.
package struct Addition: Hashable, Sendable {
  /// The run to make.
  package let point: DesignPoint
  /// Why.
  package let reason: AdditionReason
}

/// What is predicted of a point that may be added.
struct AdditionCandidate: Hashable, Sendable {
  /// The mean width of the point's intervals on their responses' scales, each over the median
  /// width of the response; 1 is as wide as most.
  let width: Double
  /// How far the nearest limit lies from its prediction, in half intervals; nil without a limit.
  let distance: Double?

  /// The places of the widest, then of those nearest to a limit among the rest.
  ///
  /// Equal ones come in the order of the design. Where too few have a limit, there are fewer of the latter.
  static func choose(
    _ candidates: [Self],
    widest: Int,
    nearest: Int
  ) -> (widest: [Int], nearest: [Int]) {
    let byWidth = candidates.indices.sorted {
      (candidates[$1].width, $0) < (candidates[$0].width, $1)
    }
    let limited = byWidth.dropFirst(widest).compactMap { place in
      candidates[place].distance.map { (place: place, distance: $0) }
    }
    let byDistance = limited.sorted { ($0.distance, $0.place) < ($1.distance, $1.place) }
    return (
      byWidth.prefix(widest).sorted(), byDistance.prefix(nearest).map(\.place).sorted()
    )
  }
}

extension ModelTrial {
  /// Candidates for each point that is added.
  static let candidatesPerAddition = 6

  /// The points that the model asks for: a third near limits of the workloads, a third on fronts,
  /// and the rest where intervals are widest.
  ///
  /// Candidates go on where the design of the specification ends, in its own sequence, so the same model,
  /// specification and number give the same points, and none is of the design.
  ///
  /// - Parameter count: The number of points, at least one.
  /// - Returns: The points, numbered from zero.
  /// - Throws: A sentence about a profile, the design, or a point that has no outline.
  package func additions(_ count: Int) throws(ModelError) -> [Addition] {
    let pool = try pool(Self.candidatesPerAddition * count)
    let candidates = try self.candidates(pool)
    var fronts = self
    fronts.frontRuns = count / 3
    let near = try fronts.frontPoints(from: 0)
    let nearest = min(count / 3, candidates.count { $0.distance != nil })
    let chosen = AdditionCandidate.choose(
      candidates,
      widest: count - near.count - nearest,
      nearest: nearest
    )
    var found = chosen.widest.map { (point: pool[$0], reason: AdditionReason.widest) }
    found += near.map { ($0, .front) }
    found += chosen.nearest.map { (pool[$0], .limit) }
    return found.enumerated().map { place, one in
      let seed = Seed(specification.seed).derived("additions").replicate(UInt64(place)).rawValue
      return Addition(point: one.point.copy(index: place, seed: seed), reason: one.reason)
    }
  }

  /// The points that follow the design in its sequence.
  private func pool(_ count: Int) throws(ModelError) -> [DesignPoint] {
    var longer = builder
    longer.specification.runs = specification.runs + count
    return Array(try longer.points().suffix(count))
  }

  /// What the model says of each point.
  private func candidates(_ pool: [DesignPoint]) throws(ModelError) -> [AdditionCandidate] {
    var estimates: [[ResponseEstimate]] = []
    for point in pool {
      let features: FeatureVector
      do throws(CampaignError) {
        features = try point.features()
      } catch {
        throw .campaign(error)
      }
      estimates.append(
        model.predict(features).filter {
          point.workload.isModelled($0.response, policy: point.policy)
        }
      )
    }
    let usual = usualWidths(estimates.flatMap { $0 })
    return zip(pool, estimates).map { point, estimates in
      let widths = estimates.map { $0.scaledWidth / (usual[$0.response] ?? 1) }
      return AdditionCandidate(
        width: widths.reduce(0, +) / Double(max(1, widths.count)),
        distance: point.workload.serviceLevels.compactMap { level in
          estimates.first { $0.response == level.metric.response }
            .flatMap { $0.distance(from: level) }
        }.min()
      )
    }
  }

  /// The median width of each response's intervals; one where none has a width.
  private func usualWidths(_ estimates: [ResponseEstimate]) -> [Response: Double] {
    var usual: [Response: Double] = [:]
    for response in Response.allCases {
      let widths = estimates.filter { $0.response == response }.map(\.scaledWidth).sorted()
      let middle = widths.isEmpty ? 0 : widths[widths.count / 2]
      usual[response] = middle > 0 ? middle : 1
    }
    return usual
  }
}

extension ResponseEstimate {
  /// The interval's width on the scale that the response is modelled on.
  var scaledWidth: Double {
    let scale = ResponseScale(of: response)
    return scale.forward(high) - scale.forward(low)
  }

  /// How far a limit lies from the value on that scale, in half intervals; nil for a limit that is
  /// relative to another policy.
  func distance(from level: ServiceLevel) -> Double? {
    guard let limit = level.limit(baseline: nil) else { return nil }
    let scale = ResponseScale(of: response)
    let half = max(scaledWidth / 2, 1e-9)
    return (scale.forward(value) - scale.forward(limit)).magnitude / half
  }
}
