// SPDX-License-Identifier: GPL-3.0-or-later

package import Profiles

/// One statement about real kernels or hardware that a run of the simulator can be held against.
package struct Fact: Hashable, Sendable {
  /// Whether a fact may set parameters or only judges.
  package enum Use: String, Hashable, Sendable, CaseIterable, Codable {
    /// May set the parameters that it names, and then scores nothing.
    case fit
    /// Was never seen by any fit.
    case score
  }

  /// The kind of answer whose error a fact tells.
  package enum Family: String, Hashable, Sendable, CaseIterable, Codable {
    /// Bulk traffic of the CPU that works on stage 2.
    case flow
    /// Storage requests of that CPU.
    case storage
  }

  /// What a fact says of a run.
  package enum Claim: Hashable, Sendable {
    /// The metric has this value within a share of it: `value` in the metric's unit.
    case point(value: Double, tolerance: Double)
    /// The metric over that of the compared run has this value within a share of it.
    case ratio(value: Double, tolerance: Double)
    /// The metric is at least this.
    case atLeast(Double)
    /// The metric is at most this.
    case atMost(Double)
    /// The metric is below that of the compared run.
    case below
    /// The metric lies within so many units of this value.
    case within(value: Double, distance: Double)
    /// The runs scatter around this value: it lies among the middle nine tenths of them.
    case contains(Double)
  }

  /// What is run: names of profiles, changes to them and a policy's text.
  package struct Experiment: Hashable, Sendable {
    /// The host profile's name.
    package var host: String
    /// The kernel profile's name.
    package var kernel: String
    /// The workload profile's name.
    package var workload: String
    /// The policy over the kernel's own; empty for the kernel's own.
    package var policy: String
    /// Keys of host, kernel or workload with their texts, in the order of the file.
    package var settings: [Setting]
  }

  /// A key of a profile and the text it is set to.
  package struct Setting: Hashable, Sendable {
    /// The key, such as `vm.memory`.
    package let key: String
    /// The text, such as `64GiB`.
    package let value: String
  }

  /// The fact's name, unique in its file.
  package let id: String
  /// How many runs with different chance it needs; zero leaves that to whoever validates.
  package let replicates: Int
  /// What it says, in one sentence.
  package let says: String
  /// Where it is from.
  package let source: String
  /// Whether it may set parameters.
  package let use: Use
  /// Whether a miss fails a validation; others are printed with their distance.
  package let isGated: Bool
  /// The kind of answer that says how far the simulator is from this fact; nil for none.
  package var family: Family?
  /// The keys of the host that it may set, where its use is `fit`.
  package let fits: [String]
  /// What is run.
  package let run: Experiment
  /// What it is compared with, for ratios and orders.
  package let versus: Experiment?
  /// What is read from the run's report.
  package let metric: Measure
  /// What the metric is claimed to be.
  package let claim: Claim
  /// The claim as it was written.
  package let claimText: String
  /// Which mechanism of the model gives the metric, or that none does; empty where it is plain.
  package let mechanism: String
  /// Where it was written.
  package let origin: Origin
}

/// A file of facts, and of what it knows and cannot express.
package struct FactFile: Hashable, Sendable {
  /// A published row that no run expresses, and why.
  package struct Unexpressed: Hashable, Sendable, Encodable {
    /// The rows' names, such as `ZY20C-01 to ZY20C-16`.
    package let rows: String
    /// Why the machine does not express them.
    package let reason: String
  }

  /// What the file is about.
  package let summary: String
  /// The facts in the order of the file.
  package let facts: [Fact]
  /// What it cannot express.
  package let unexpressed: [Unexpressed]
}
