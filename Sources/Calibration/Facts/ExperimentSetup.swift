// SPDX-License-Identifier: GPL-3.0-or-later

package import Operations
package import Policies
package import Profiles

/// Why a fact cannot be run.
package enum FactError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A profile that a fact names, or a value it sets, is not legal.
  case profile(ProfileError)
  /// A fact's policy is not legal.
  case policy(PolicyError)
  /// The machine refused or could not finish the run.
  case run(String)
  /// The run's report does not hold the metric.
  case noMetric(Measure)

  /// One sentence.
  package var description: String {
    switch self {
    case .profile(let error): error.description
    case .policy(let error): error.description
    case .run(let reason): reason
    case .noMetric(let measure): "the run's report has no \(measure.rawValue)"
    }
  }
}

/// An experiment with its profiles loaded, its settings applied and its policy read.
package struct ExperimentSetup: Sendable {
  /// The profiles with the experiment's values in them.
  package let loaded: LoadedSetup
  /// The policy, over what the kernel does on this host by itself.
  package let policy: Policy

  /// Loads what an experiment names from a store of profiles.
  package init(_ experiment: Fact.Experiment, store: ProfileStore) throws(FactError) {
    do throws(ProfileError) {
      loaded = try LoadedSetup(
        workload: experiment.workload,
        host: experiment.host,
        kernel: experiment.kernel,
        from: store,
        setting: experiment.settings.map { ($0.key, $0.value) }
      )
    } catch { throw .profile(error) }
    do throws(PolicyError) { policy = try loaded.policy(experiment.policy) } catch {
      throw .policy(error)
    }
  }
}
