// SPDX-License-Identifier: GPL-3.0-or-later

public import Policies
public import Profiles

/// Why a fact cannot be run.
public enum FactError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A profile that a fact names, or a value it sets, is not legal.
  case profile(ProfileError)
  /// A fact's policy is not legal.
  case policy(PolicyError)
  /// The machine refused or could not finish the run.
  case run(String)
  /// The run's report does not hold the metric.
  case noMetric(Measure)

  /// One sentence.
  public var description: String {
    switch self {
    case .profile(let error): error.description
    case .policy(let error): error.description
    case .run(let reason): reason
    case .noMetric(let measure): "the run's report has no \(measure.rawValue)"
    }
  }
}

/// An experiment with its profiles loaded, its settings applied and its policy read.
public struct ExperimentSetup: Sendable {
  /// The host.
  public private(set) var host: Loaded<HostProfile>
  /// The kernel.
  public private(set) var kernel: Loaded<KernelProfile>
  /// The workload.
  public private(set) var workload: Loaded<WorkloadProfile>
  /// The policy, over what the kernel does on this host by itself.
  public let policy: Policy

  /// Loads what an experiment names from a store of profiles.
  public init(_ experiment: Fact.Experiment, store: ProfileStore) throws(FactError) {
    do throws(ProfileError) {
      host = try store.load(HostProfile.self, named: experiment.host)
      kernel = try store.load(KernelProfile.self, named: experiment.kernel)
      workload = try store.load(WorkloadProfile.self, named: experiment.workload)
      for setting in experiment.settings {
        if Loaded<WorkloadProfile>.hasKey(setting.key) {
          try workload.set(setting.key, to: setting.value)
        } else if Loaded<HostProfile>.hasKey(setting.key) {
          try host.set(setting.key, to: setting.value)
        } else {
          try kernel.set(setting.key, to: setting.value)
        }
      }
    } catch { throw .profile(error) }
    let place = PolicySetting(
      granule: host.profile.granule,
      ipaBits: workload.profile.memory.ipaBits,
      release: kernel.profile.release,
      features: host.profile.features
    )
    do throws(PolicyError) {
      policy =
        experiment.policy.isEmpty
        ? place.baseline : try Policy(parsing: experiment.policy, over: place.baseline)
      try policy.validate(in: place)
    } catch { throw .policy(error) }
  }

  /// Sets a key of the host to a text, for a fit that varies it.
  public mutating func setHost(_ key: String, to text: String) throws(FactError) {
    do throws(ProfileError) { try host.set(key, to: text) } catch { throw .profile(error) }
  }
}
