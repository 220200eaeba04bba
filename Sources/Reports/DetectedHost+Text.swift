// SPDX-License-Identifier: GPL-3.0-or-later

package import Calibration
import Profiles
package import Tuning

extension DetectedHost {
  /// What was read, what runs, what is open, and how to go on; `host` is the profile that was written.
  package func text(guests: [GuestProcess], host name: String?) -> String {
    var table = TextTable(columns: [.init("key"), .init("value"), .init("read from")])
    for value in values + kernel {
      let source = String(value.source.trimmingPrefix("measured: "))
      table.append([value.key, value.value, source])
    }
    let paragraphs = [
      Paragraph(label: "parent", sentences: ["\(parent): every value that is not listed is its"]),
      Paragraph(label: "present", sentences: present.map { ["--present \($0)"] } ?? []),
      Paragraph(label: "runs", sentences: guests.map(Self.words)),
      Paragraph(
        label: "open",
        sentences: gaps.map { "\($0.key): \($0.reason). Ask: \($0.measure)" }
      ),
      Paragraph(label: "note", sentences: notes),
      Paragraph(label: "next", sentences: [next(name)]),
    ]
    let lines = paragraphs.filter { !$0.sentences.isEmpty }.flatMap { $0.lines() }
    let rows = table.text().split(separator: "\n").map { "  \($0)" }
    return ([summary, ""] + rows + [""] + lines).joined(separator: "\n") + "\n"
  }

  private static func words(_ guest: GuestProcess) -> String {
    "\(guest.program.rawValue), process \(guest.process)"
      + (guest.memory.map { ", memory \($0)" } ?? "")
  }

  /// The command that asks about this machine.
  private func next(_ name: String?) -> String {
    var words = ["s2tune recommend --workload container-churn --host \(name ?? "auto")"]
    if name == nil {
      words.append("--kernel \(hasRelease ? "auto" : "RELEASE")")
    } else {
      words +=
        (hasRelease ? [] : ["--kernel RELEASE"]) + kernel.map { "--set \($0.key)=\($0.value)" }
    }
    if let present { words.append("--present \(present)") }
    return words.joined(separator: " ")
  }
}
