// SPDX-License-Identifier: GPL-3.0-or-later

import Quantities

/// Why a policy was refused.
package enum PolicyError: Error, Hashable, Sendable, CustomStringConvertible {
  /// A part of the text is not `key=value`.
  case notAPair(text: String)
  /// A key that no policy has.
  case unknownKey(key: String, legal: [String])
  /// A key that stands twice in one text.
  case repeatedKey(key: String)
  /// A value that its key does not take.
  case illegalValue(key: String, value: String, legal: String)
  /// A value that its key takes, but not on this host, kernel or guest.
  case impossible(key: String, value: String, reason: String, legal: String)
  /// A value that is possible and changes nothing in the workload it is asked for.
  case idle(key: String, value: String, reason: String)

  /// One sentence with the key, the value and what is legal.
  package var description: String {
    switch self {
    case .notAPair(let text):
      "policy part '\(text)' is not legal; write key=value, such as chunk=2MiB,tlbi=per-leaf"
    case .unknownKey(let key, let legal):
      "policy key '\(key)' does not exist; legal keys are \(legal.joined(separator: ", "))"
        + didYouMean(key, among: legal)
    case .repeatedKey(let key):
      "policy key '\(key)' is given twice; give it once"
    case .illegalValue(let key, let value, let legal):
      "policy value \(key)=\(value) is not legal; write \(legal)"
    case .impossible(let key, let value, let reason, let legal):
      "policy value \(key)=\(value) is impossible here: \(reason); legal is \(legal)"
    case .idle(let key, let value, let reason):
      "policy value \(key)=\(value) has no effect here: \(reason)"
    }
  }
}
