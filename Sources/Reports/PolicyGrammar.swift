// SPDX-License-Identifier: GPL-3.0-or-later

package import Policies
package import Profiles

/// How a policy is written, from the table of its keys: for people and for programs.
package struct PolicyGrammar: Hashable, Sendable, Encodable {
  /// One key of a policy.
  package struct Key: Hashable, Sendable, Encodable {
    /// The key.
    package let key: String
    /// What the knob is.
    package let summary: String
    /// What may stand after the key.
    package let legal: String
    /// What the key has on a kernel that nobody tunes, where every such kernel has the same.
    package let standard: String?
    /// Whether it can be turned without a kernel patch.
    package let knobClass: KnobClass
    /// The operations that read it; in others it is refused.
    package let operations: [StageTwoOperation]
    /// Whether it also needs a network load.
    package let needsNetwork: Bool

    enum CodingKeys: String, CodingKey {
      case key, summary, legal
      case standard = "default"
      case knobClass = "class"
      case operations
      case needsNetwork = "needs_network"
    }

    init(_ key: PolicyKey) {
      self.key = key.rawValue
      summary = key.summary
      legal = key.legal
      // The kernel rules follow the release, and a path is the workload's.
      standard = key == .chunk || key == .tlbi ? nil : Policy.stock.text(of: key)
      knobClass = key.knobClass
      operations = key.operations
      needsNetwork = key.needsNetwork
    }
  }

  /// The keys, in the order in which policies print them.
  package let keys = PolicyKey.allCases.map(Key.init)

  /// The grammar of today's keys.
  package init() {}

  enum CodingKeys: String, CodingKey { case keys }

  /// The grammar as text, no line wider than `width` columns.
  package func text(width: Int = 78) -> String {
    var lines = Paragraph.wrapped(
      "A policy is KEY=VALUE pairs with commas between them, such as "
        + "chunk=2MiB,tlbi=per-leaf. Each pair turns one knob of the present policy (of simulate and "
        + "count: of the kernel's own); what is left out stays as it is. Sizes are binary: 2MiB, 2M "
        + "and 2MB are the same. Times are in ns, us, ms or s.",
      width: width
    ).map { $0.trimmingPrefix("  ") }.map(String.init)
    for key in keys {
      let reader = key.operations.map(\.rawValue).joined(separator: ", ")
      let network = key.needsNetwork ? ", with a network load" : ""
      let patch = key.knobClass == .kernel ? "needs a kernel change" : "no kernel patch"
      let sentences = [
        "\(key.summary).", "Values: \(key.legal).",
        key.standard.map { "Default: \($0)." } ?? "Default: the kernel's or the workload's.",
        "Class: \(key.knobClass.rawValue) (\(patch)). Read by: \(reader)\(network).",
      ]
      lines.append("")
      lines.append("  \(key.key)")
      for sentence in sentences {
        lines += Paragraph.wrapped(sentence, width: width - 6).map { "      " + $0 }
      }
    }
    return lines.joined(separator: "\n")
  }
}
