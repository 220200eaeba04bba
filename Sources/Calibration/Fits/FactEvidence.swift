// SPDX-License-Identifier: GPL-3.0-or-later

import Observations
import Operations
package import Profiles
import Randomness
import Scenarios

extension CostEvidence {
  /// Facts of use `fit` about a host, each for the keys that it names, each by a run of its own.
  ///
  /// A fact that sets a workload's value, or compares two runs, says nothing a cost can be set by.
  package static func facts(
    _ facts: [Fact],
    host: String,
    store: ProfileStore
  ) throws(HostFitError) -> [CostEvidence] {
    var evidence: [CostEvidence] = []
    for fact in facts where fact.use == .fit && fact.run.host == host && fact.versus == nil {
      let keys = HostProfile.keys.map(\.name).filter { fact.fits.contains($0) }
      guard let target = fact.target, !keys.isEmpty else { continue }
      let setup: ExperimentSetup
      do throws(FactError) { setup = try ExperimentSetup(fact.run, store: store) } catch {
        throw .fact(id: fact.id, error)
      }
      let sample = CostSample(
        id: fact.id,
        source: fact.origin.file,
        measured: target,
        spread: 0,
        isTime: fact.metric.unit == .nanoseconds
      )
      // The experiment may set values of its host; what is fitted goes on top of them.
      let kept = setup.loaded.host.profile
      evidence.append(
        CostEvidence([sample], keys: keys) { host throws(HostFitError) in
          var own = kept
          for key in HostProfile.keys where keys.contains(key.name) {
            if let cost = key.cost?.read(host) { key.cost?.write(&own, cost) }
          }
          do throws(FactError) { return [try setup.value(of: fact.metric, on: own)] } catch {
            throw .fact(id: fact.id, error)
          }
        }
      )
    }
    return evidence
  }
}

extension ExperimentSetup {
  /// A metric of the experiment on a host, in whose run nothing is left to chance.
  func value(of metric: Measure, on host: HostProfile) throws(FactError) -> Double {
    let report = try run(on: host, seed: Seed(1), extent: .exact)
    guard let value = metric.value(in: report) else { throw .noMetric(metric) }
    return value
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
