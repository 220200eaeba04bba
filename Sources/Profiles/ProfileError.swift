// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// Why a profile could not be used.
package enum ProfileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No file of this name in any of the directories that were searched.
  case unknown(kind: ProfileKind, name: String, known: [String], searched: [String])
  /// An update of a series of which there is no file.
  case unknownSeries(
    kind: ProfileKind,
    name: String,
    series: String,
    near: [String],
    searched: [String]
  )
  /// A name that could leave the directory of its kind.
  case illegalName(kind: ProfileKind, name: String)
  /// A file that exists and cannot be read.
  case unreadable(file: String, reason: String)
  /// A file over the size limit, in bytes.
  case tooLarge(file: String, bytes: Int, limit: Int)
  /// A text that is not YAML, or not shaped as a profile.
  case malformed(origin: Origin, problem: String)
  /// A key that profiles of this kind do not have.
  case unknownKey(origin: Origin, key: String, kind: ProfileKind, near: [String])
  /// A value that its key does not take.
  case illegalValue(origin: Origin, key: String, value: String, legal: String)
  /// Parents that lead back to where they began, or too many of them.
  case parentLoop(origin: Origin, chain: [String])
  /// A machine of which no profile can be made, in one sentence.
  case undetected(String)
  /// Values that are legal one by one and not together.
  case contradiction(name: String, problem: String)

  /// One sentence with file, line, value and what is legal.
  package var description: String {
    switch self {
    case .unknown(let kind, let name, let known, let searched):
      if searched.isEmpty {
        "no \(kind.rawValue) profile '\(name)': no models directory was found; name one with --models"
      } else {
        "no \(kind.rawValue) profile '\(name)' in \(searched.joined(separator: ", ")); legal names are "
          + known.joined(separator: ", ") + didYouMean(name, among: known)
      }
    case .unknownSeries(let kind, let name, let series, let near, let searched):
      if searched.isEmpty {
        "no \(kind.rawValue) profile '\(name)': no models directory was found; name one with --models"
      } else {
        "no \(kind.rawValue) profile '\(name)', nor one of its series \(series), in "
          + searched.joined(separator: ", ") + "; did you mean \(near.joined(separator: " or "))?"
      }
    case .illegalName(let kind, let name):
      "\(kind.rawValue) profile name '\(name)' is not legal; write letters, digits, '.', '-' and '_'"
    case .unreadable(let file, let reason):
      "\(file): cannot be read: \(reason)"
    case .tooLarge(let file, let bytes, let limit):
      "\(file): \(bytes) bytes or more are too many for a profile; at most \(limit) are legal"
    case .malformed(let origin, let problem):
      "\(origin): \(problem)"
    case .unknownKey(let origin, let key, let kind, let near):
      "\(origin): key '\(key)' does not exist in a \(kind.rawValue) profile; near it are "
        + near.joined(separator: ", ")
    case .illegalValue(let origin, let key, let value, let legal):
      "\(origin): value '\(displayed(value, keepsLines: false))' of \(key) is not legal; write \(legal)"
    case .parentLoop(let origin, let chain):
      "\(origin): the parents never end: \(chain.joined(separator: " -> ")); name a parent that "
        + "does not lead back here"
    case .undetected(let sentence):
      sentence
    case .contradiction(let name, let problem):
      "profile \(name): \(problem)"
    }
  }
}

/// The three kinds of profile, each with its directory under `models/`.
package enum ProfileKind: String, Hashable, Sendable, CaseIterable, Codable {
  /// A host: `models/hosts`.
  case host
  /// A kernel: `models/kernels`.
  case kernel
  /// A workload: `models/workloads`.
  case workload

  /// The directory of the kind.
  package var directory: String { rawValue + "s" }
}
