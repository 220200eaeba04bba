// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Foundation
import Profiles
import Reports

/// `s2tune doctor`: whether this installation can answer.
struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Says whether this installation can answer, and what to do where it cannot.",
    discussion: """
      Looks at the directories of models and what is in each, whether the cost model and the stored \
      answers go with this simulator, the machine, the terminal, completion and the manual. Only \
      reads. Ends with 1 where something keeps it from answering. Examples:
        s2tune doctor
        s2tune doctor --models models
      """
  )

  @OptionGroup var common: CommonOptions

  func run() throws {
    // Refuses a directory that holds no models, as every command does.
    _ = try common.store()
    let installation = try Installation(models: common.models.models)
    switch common.format {
    case .text: try answer(installation.text())
    case .json: try answer(json: installation, .doctor)
    }
    if let fault = installation.faults.first {
      throw Negative(sentence: "\(fault.text): \(fault.remedy ?? "")")
    }
  }
}

extension Installation {
  /// The installation as text: what it is, where models are, and what was found.
  func text() -> String {
    var lines = ["s2tune \(version), simulator \(simulator), \(program)", ""]
    let found = directories.filter(\.exists)
    lines += Paragraph(
      label: "models",
      sentences: found.isEmpty ? ["no directory of models is found"] : found.map(\.sentence)
    ).lines()
    let absent = directories.filter { !$0.exists }
    if !absent.isEmpty {
      lines += Paragraph(
        label: "absent",
        sentences: absent.map { "\($0.path) (\($0.reason.rawValue))" }
      ).lines()
    }
    lines.append("")
    for finding in findings {
      let text = finding.state == .good ? finding.text : "\(finding.state): \(finding.text)"
      let remedy = finding.remedy.map { ["to do: \($0)"] } ?? []
      lines += Paragraph(label: finding.subject, sentences: [text] + remedy).lines()
    }
    let outcome =
      faults.isEmpty
      ? "It can answer: s2tune recommend --workload container-churn --host graviton3"
      : "It cannot answer until what is broken is mended."
    return (lines + ["", outcome]).joined(separator: "\n")
  }
}

extension Installation.Directory {
  /// What is in it, in words.
  fileprivate var sentence: String {
    let parts = [
      (hosts, "hosts"), (kernels, "kernels"), (workloads, "workloads"), (answers, "answers"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    let all = parts + (hasCostModel ? ["a cost model"] : [])
    return "\(path) (\(reason.rawValue)): \(all.isEmpty ? "nothing" : all.joined(separator: ", "))"
  }
}
