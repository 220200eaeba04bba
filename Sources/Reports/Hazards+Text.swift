// SPDX-License-Identifier: GPL-3.0-or-later

package import PageTables

extension HazardVerdict {
  /// The verdict as text: safe or not, then each hazard with the TLB models that show it, the
  /// reason and the kernel's rule.
  package func text() -> String {
    let words =
      isSafe ? "safe: the policy adds no stale entry in either TLB model" : "unsafe"
    let hazards = findings.map { finding in
      let owner = finding.isInherited ? "the kernel itself" : "the policy"
      let models = finding.models.map(\.rawValue).joined(separator: " and ")
      return "hazard \(finding.hazard.rawValue), of \(owner), TLB model \(models): "
        + "\(finding.hazard.reason). The kernel's rule: \(finding.hazard.kernelRule)."
    }
    return Paragraph(label: "hazards", sentences: [words] + hazards).lines()
      .joined(separator: "\n") + "\n"
  }
}
