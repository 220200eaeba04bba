// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables
package import Quantities

extension CPUFeatures {
  /// The words of a feature list, in the order in which they are printed.
  static var words: [(name: String, field: any WritableKeyPath<CPUFeatures, Bool> & Sendable)] {
    [
      ("fwb", \.forcedWriteBack), ("tlbirange", \.rangeTLBI),
      ("vhe", \.virtualizationHostExtensions), ("ttl", \.levelHint), ("lpa2", \.largeAddresses),
      ("repeat-tlbi-sync", \.repeatTLBISync), ("speculative-at", \.speculativeAT),
    ]
  }

  /// The forms that `init(listing:)` accepts, for messages.
  package static var legalList: String {
    "none, or a list such as fwb,tlbirange,vhe of " + words.map(\.name).joined(separator: ", ")
  }

  /// Reads a list such as `fwb,tlbirange,vhe`; what is not listed is absent.
  package init(listing text: String) throws(QuantityError) {
    self.init(virtualizationHostExtensions: false)
    guard text != "none" else { return }
    for word in text.split(separator: ",", omittingEmptySubsequences: false) {
      let name = word.filter { $0 != " " }
      guard let feature = Self.words.first(where: { $0.name == name }) else {
        throw QuantityError(text: text, legal: Self.legalList)
      }
      self[keyPath: feature.field] = true
    }
  }

  /// The list as it can be read back.
  package var list: String {
    let present = Self.words.filter { self[keyPath: $0.field] }.map(\.name)
    return present.isEmpty ? "none" : present.joined(separator: ",")
  }
}

extension KernelRelease {
  /// The forms that `init(written:)` accepts, for messages.
  package static let legalText = "a release such as 6.12 or 6.12.107"

  /// Reads a release as a person writes it, such as `6.12` or `6.12.107`, with nothing after it.
  package init(written text: String) throws(QuantityError) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let numbers = parts.compactMap { part in
      part.allSatisfy { $0.isASCII && $0.isNumber } ? Int(part) : nil
    }
    guard (2...3).contains(parts.count), numbers.count == parts.count,
      numbers.allSatisfy({ $0 <= 9_999 })
    else { throw QuantityError(text: text, legal: Self.legalText) }
    self.init(major: numbers[0], minor: numbers[1], patch: numbers.count > 2 ? numbers[2] : 0)
  }
}
