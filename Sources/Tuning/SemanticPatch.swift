// SPDX-License-Identifier: GPL-3.0-or-later

import PageTables
import Policies
import Quantities

extension TableEntry {
  /// A kernel change of the entry as a semantic patch for Coccinelle: the chunk of
  /// `stage2_range_addr_end` becomes its size.
  ///
  /// Only a chunk of one size is a constant in one place; what else the kernel change turns is
  /// named in a comment and left to its reader. The chunk is that of Linux 6.1.y and of releases
  /// since, where the function takes the largest block's size.
  ///
  /// - Throws: `TuningError` where the entry has no kernel change, or one without a chunk of one size.
  package func semanticPatch(of change: String?) throws(TuningError) -> String {
    guard let text = change, let policy = policy(text) else {
      throw .noSemanticPatch(entry: name, reason: "no kernel change is recommended")
    }
    guard case .fixed(let size) = policy.chunk, size.rawValue.nonzeroBitCount == 1 else {
      throw .noSemanticPatch(
        entry: name,
        reason: "\(text) has no chunk of one size, a power of two"
      )
    }
    let others = [
      policy.text(of: .tlbi).flatMap { $0 == "per-leaf" ? nil : "tlbi=\($0)" },
      policy.text(of: .controller).flatMap { $0 == "fixed" ? nil : "controller=\($0)" },
    ].compactMap { $0 }
    var lines = [
      "// SPDX-License-Identifier: GPL-2.0-only OR MIT",
      "// \(TuningTable.comment(name)): stage-2 chunks of \(size), written by s2tune export.",
      "//   spatch --sp-file FILE --in-place arch/arm64/kvm/mmu.c",
    ]
    if !others.isEmpty {
      let names = others.joined(separator: " ")
      lines.append("// Of the same kernel change, not in this patch: \(names)")
    }
    lines += [
      "@@",
      "identifier chunk;",
      "type T;",
      "@@",
      " stage2_range_addr_end(...)",
      " {",
      " ...",
      "-T chunk = kvm_granule_size(KVM_PGTABLE_MIN_BLOCK_LEVEL);",
      "+T chunk = \(size.rawValue)UL;",
      " ...",
      " }",
    ]
    return lines.joined(separator: "\n") + "\n"
  }
}
