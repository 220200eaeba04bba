// SPDX-License-Identifier: GPL-3.0-or-later

package import GSLKit
package import Observations
import Operations
package import Profiles
import Quantities
import Randomness
import Scenarios

/// Why a host cannot be calibrated.
package enum HostFitError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No fact of use `fit` names the host.
  case noFacts(host: String)
  /// More parameters than facts.
  case tooFewFacts(host: String, parameters: [String], facts: Int)
  /// A key that facts fit and that is no cost of one event.
  case notACost(key: String)
  /// A fact could not be run.
  case fact(id: String, FactError)
  /// The facts want a cost below zero, so the model or the other costs do not fit them.
  case negative(key: String, nanoseconds: Double)
  /// The least squares failed.
  case squares(GSLError)

  /// One sentence.
  package var description: String {
    switch self {
    case .noFacts(let host): "no fact of use 'fit' is about host '\(host)'; nothing can be fitted"
    case .tooFewFacts(let host, let parameters, let facts):
      "host '\(host)': \(facts) facts cannot set \(parameters.count) parameters ("
        + parameters.joined(separator: ", ") + "); name fewer keys or add facts"
    case .notACost(let key): "key '\(key)' is not a cost with a unit of time; it cannot be fitted"
    case .fact(let id, let error): "fact \(id): \(error)"
    case .negative(let key, let value):
      "the facts want \(key) to be \(significant(value)) ns; a cost is above zero, so another cost "
        + "of this host is too large"
    case .squares(let error): "the fit failed: \(error)"
    }
  }
}

/// A host's costs, fitted so that the simulator reproduces the facts that may set them.
package struct HostFit: Hashable, Sendable {
  /// One fitted cost.
  package struct Parameter: Hashable, Sendable {
    /// The key of the host profile.
    package let key: String
    /// The value the profile has now, in nanoseconds.
    package let present: Double
    /// The fitted value in nanoseconds.
    package let fitted: Double
    /// The standard error of the fitted value in nanoseconds; nil with no more facts than
    /// parameters.
    package let standardError: Double?
  }

  /// One fact and how the fitted host stands to it.
  package struct Residual: Hashable, Sendable {
    /// The fact's name.
    package let id: String
    /// The claimed value in the metric's unit.
    package let measured: Double
    /// What the fitted host gives.
    package let predicted: Double
    /// The unit of both.
    package let unit: Response.Unit
  }

  /// The host's name.
  package let host: String
  /// The fitted costs, in the order of the profile's keys.
  package let parameters: [Parameter]
  /// The facts that set them.
  package let residuals: [Residual]

  /// Fits the costs of a host that its facts of use `fit` name, all others as the profile says.
  ///
  /// Least squares of the relative error. The simulator itself is the model: its runs are without
  /// IO, so they have no chance in them. A profile's present value is the start.
  package init(host: String, facts: [Fact], store: ProfileStore) throws(HostFitError) {
    // A fact that sets a workload's value, or compares two runs, says nothing a cost can be set by.
    let facts = facts.filter { fact in
      fact.use == .fit && fact.run.host == host && fact.target != nil && fact.versus == nil
        && HostProfile.keys.contains { fact.fits.contains($0.name) }
    }
    guard !facts.isEmpty else { throw .noFacts(host: host) }
    let wanted = Set(facts.flatMap(\.fits))
    let keys = HostProfile.keys.filter { wanted.contains($0.name) }
    guard facts.count >= keys.count else {
      throw .tooFewFacts(host: host, parameters: keys.map(\.name), facts: facts.count)
    }
    var setups: [ExperimentSetup] = []
    for fact in facts {
      do throws(FactError) { setups.append(try ExperimentSetup(fact.run, store: store)) } catch {
        throw .fact(id: fact.id, error)
      }
    }
    let present = try keys.map { key throws(HostFitError) in
      try Self.nanoseconds(of: key, in: setups[0].loaded.host.profile)
    }
    let problem = Problem(facts: facts, setups: setups, keys: keys.map(\.name))
    let solution = try problem.solve(from: present)
    self.host = host
    parameters = keys.indices.map { index in
      Parameter(
        key: keys[index].name,
        present: present[index],
        fitted: solution.costs[index],
        standardError: solution.errors?[index]
      )
    }
    residuals = facts.indices.map { index in
      Residual(
        id: facts[index].id,
        measured: facts[index].target ?? .nan,
        predicted: solution.ratios[index] * (facts[index].target ?? .nan),
        unit: facts[index].metric.unit
      )
    }
  }

  static func nanoseconds(
    of key: ProfileKey<HostProfile>,
    in host: HostProfile
  ) throws(HostFitError) -> Double {
    guard let text = key.text(in: host), let cost = try? UnitCost(parsing: text),
      cost > .zero
    else { throw .notACost(key: key.name) }
    return cost.inNanoseconds
  }
}

extension Fact {
  /// The value that a fit aims at: that of a point claim.
  var target: Double? {
    switch claim {
    case .point(let value, _), .within(let value, _): value
    default: nil
    }
  }
}

/// The least-squares problem of a host: predictions over measured values, which should all be one.
///
/// Without IO a prediction is linear in the costs, so its slope comes from one further run a cost;
/// a second pass from the solution catches what is not.
private struct Problem {
  let facts: [Fact]
  let setups: [ExperimentSetup]
  let keys: [String]

  struct Solution {
    let costs: [Double]
    let errors: [Double]?
    let ratios: [Double]
  }

  static let passes = 2

  func solve(from start: [Double]) throws(HostFitError) -> Solution {
    var costs = start
    var errors: [Double]?
    for _ in 0..<Self.passes {
      let step = try linearStep(at: costs)
      costs = step.parameters
      let spare = facts.count > keys.count
      errors = spare ? step.standardErrors : nil
      for (key, cost) in zip(keys, costs) where cost <= 0 {
        throw .negative(key: key, nanoseconds: cost)
      }
    }
    return Solution(costs: costs, errors: errors, ratios: try ratios(costs))
  }

  /// The costs that bring all ratios nearest to one, where ratios change linearly from here.
  func linearStep(at costs: [Double]) throws(HostFitError) -> Fit {
    let here = try ratios(costs)
    var rows = [[Double]](repeating: [], count: facts.count)
    for index in costs.indices {
      var moved = costs
      moved[index] *= 1.5
      let there = try ratios(moved)
      for row in rows.indices {
        rows[row].append((there[row] - here[row]) / (moved[index] - costs[index]))
      }
    }
    let rest = facts.indices.map { row in
      1 - here[row] + zip(rows[row], costs).reduce(0) { $0 + $1.0 * $1.1 }
    }
    do throws(GSLError) {
      return try LeastSquares.qr(Design(columnNames: keys, rows: rows), response: rest)
    } catch { throw .squares(error) }
  }

  func ratios(_ costs: [Double]) throws(HostFitError) -> [Double] {
    var ratios: [Double] = []
    for (fact, setup) in zip(facts, setups) {
      do throws(FactError) {
        ratios.append(try prediction(fact, setup, costs) / (fact.target ?? .nan))
      } catch { throw .fact(id: fact.id, error) }
    }
    return ratios
  }

  func prediction(
    _ fact: Fact,
    _ setup: ExperimentSetup,
    _ costs: [Double]
  ) throws(FactError) -> Double {
    var setup = setup
    for (key, cost) in zip(keys, costs) {
      try setup.setHost(key, to: significant(cost, digits: 9) + "ns")
    }
    let report = try setup.run(seed: Seed(1), extent: .exact)
    guard let value = fact.metric.value(in: report) else { throw .noMetric(fact.metric) }
    return value
  }
}
