// SPDX-License-Identifier: GPL-3.0-or-later

import Policies
import Quantities

extension TableEntry {
  /// A tuned profile of the entry's *today* knobs: what a host sets, and the VMM's values as
  /// variables that its scripts can read.
  package var tunedProfile: String {
    let policy = recommended.flatMap { self.policy($0) }
    var lines = [
      "# written by s2tune export for \(name)",
      "[main]",
      "summary=stage-2 batching for \(workload) on \(host), Linux \(kernel)",
      "",
      "[variables]",
      "s2tune_path=\(policy?.text(of: .path) ?? "")",
      "s2tune_slice_bytes=\(policy?.slice?.rawValue ?? 0)",
      "s2tune_pause_ns=\(policy?.pause.rawValue ?? 0)",
      "s2tune_log=\(policy?.text(of: .log) ?? "")",
      "s2tune_harvest=\(policy?.text(of: .harvest) ?? "")",
      "s2tune_clear_bytes=\(policy?.clearRange?.rawValue ?? 0)",
      "s2tune_split_bytes=\(policy?.eagerSplit.rawValue ?? 0)",
      "s2tune_move_irq=\(policy?.interrupt == .moved ? 1 : 0)",
    ]
    if let policy, policy.threadedNAPI {
      lines += ["", "[sysfs]", "/sys/class/net/*/threaded=1"]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The QEMU arguments of the entry's *today* knobs; empty where QEMU has an option for none.
  package var qemuArguments: [String] {
    guard let policy = recommended.flatMap({ self.policy($0) }) else { return [] }
    var accelerator: [String] = []
    if policy.eagerSplit > .zero {
      accelerator.append("eager-split-size=\(policy.eagerSplit.rawValue)")
    }
    if let entries = policy.harvest.ringEntries { accelerator.append("dirty-ring-size=\(entries)") }
    var arguments: [String] = []
    if !accelerator.isEmpty {
      arguments += ["-accel", (["kvm"] + accelerator).joined(separator: ",")]
    }
    if let range = policy.clearRange {
      arguments += ["-global", QEMUClearRange(range).argument]
    }
    return arguments
  }

  /// What the arguments come to in bytes, for a comment; nil where they say it themselves.
  fileprivate var qemuComment: String? {
    recommended.flatMap { self.policy($0) }?.clearRange.map { range in
      "CLEAR in ranges of \(QEMUClearRange(range).sizeText), whatever the host's page"
    }
  }
}

extension TuningTable {
  /// The QEMU arguments of every entry: a comment that names it, then one line of arguments.
  ///
  /// Where QEMU has an option for no knob of an entry, the comment says so.
  package var qemuLines: String {
    entries.map { entry in
      let arguments = entry.qemuArguments
      guard !arguments.isEmpty else { return "# \(entry.name): QEMU has no option for this\n" }
      let comment = entry.qemuComment.map { ": \($0)" } ?? ""
      return "# \(entry.name)\(comment)\n\(arguments.joined(separator: " "))\n"
    }.joined()
  }
}
