// SPDX-License-Identifier: GPL-3.0-or-later

/// Why a campaign cannot be designed, run or resumed.
package enum CampaignError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A design without hosts, kernels or workloads.
  case emptyDesign(missing: String)
  /// Too few policies of the space are possible to find as many points as were asked for.
  case tooFewPoints(found: Int, wanted: Int, tried: Int)
  /// A text that is no policy.
  case policy(text: String, reason: String)
  /// A store without the design that was asked for.
  case unknownDesign(store: String, design: String, known: [String])
  /// A run failed; the sentence is the scenario's.
  case run(index: Int, reason: String)
  /// A command of the cluster failed.
  case cluster(command: String, reason: String)
  /// A file cannot be read or written.
  case file(name: String, reason: String)
  /// A run store of another campaign, or of another version of the program.
  case foreign(file: String, quantity: String, found: String, expected: String)
  /// A line in the middle of a run store whose checksum does not fit.
  case corrupt(file: String, line: Int)

  /// One sentence with the file, the value and what was expected.
  package var description: String {
    switch self {
    case .emptyDesign(let missing): "a design needs at least one \(missing)"
    case .tooFewPoints(let found, let wanted, let tried):
      "only \(found) of \(wanted) points were found in \(tried) tries; the rest is impossible"
    case .policy(let text, let reason): "policy '\(text)': \(reason)"
    case .unknownDesign(let store, let design, let known):
      known.isEmpty
        ? "\(store) has no campaign yet; 's2tune campaign run' begins one"
        : "\(store) has no campaign '\(design)'; it has \(known.joined(separator: ", "))"
    case .run(let index, let reason): "run \(index) failed: \(reason)"
    case .cluster(let command, let reason): "\(command) failed: \(reason)"
    case .file(let name, let reason): "\(name): \(reason)"
    case .foreign(let file, let quantity, let found, let expected):
      "\(file) has \(quantity) \(found); this campaign has \(expected)"
    case .corrupt(let file, let line):
      "\(file):\(line): the checksum does not fit; delete the line to run its point again"
    }
  }
}
