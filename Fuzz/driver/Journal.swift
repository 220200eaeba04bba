// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// What a campaign has seen: how many inputs ended how, and each that ended badly.
struct Journal {
  private(set) var inputs = 0
  private(set) var results = 0
  private(set) var refusals = 0
  private(set) var findings: [String] = []
  private var slowest = 0.0
  private let name: String
  private let started = Date()

  init(_ name: String) { self.name = name }

  /// Runs an input and notes how it ended; true where it ended well.
  @discardableResult
  mutating func run(_ arguments: [String], in session: Session) throws -> Bool {
    let began = Date()
    let ending = try session.run(arguments)
    let seconds = Date().timeIntervalSince(began)
    slowest = max(slowest, seconds)
    inputs += 1
    guard let problem = problem(ending) else { return true }
    let line = "\(problem): s2tune " + arguments.map(quoted).joined(separator: " ")
    findings.append(line)
    say(line)
    return false
  }

  /// What is wrong with an ending; nil where it is a result or a sentence.
  private mutating func problem(_ ending: Ending) -> String? {
    switch ending {
    case .hung: return "hang"
    case .died(let code, let errors):
      let line = errors.split(separator: "\n").first { $0.contains("Fatal error") }
      return "crash \(code) \(line.map { String($0.prefix(200)) } ?? "")"
    case .ended(let status, let errors, _):
      if [0, 1].contains(status) {
        results += 1
        return nil
      }
      guard [64, 65, 74].contains(status) else { return "code \(status)" }
      refusals += 1
      let sentences = errors.split(separator: "\n").filter { !$0.hasPrefix("s2tune: note: ") }
      if sentences.isEmpty { return "no sentence" }
      if sentences.count > 1, !sentences.contains(where: { $0.hasPrefix("Usage:") }) {
        return "\(sentences.count) lines"
      }
      return errors.unicodeScalars.contains { $0 == "\u{1B}" || $0 == "\u{202E}" }
        ? "raw text" : nil
    }
  }

  /// One line of the record.
  func summary(_ session: Session) -> String {
    let minutes = String(format: "%.1f", Date().timeIntervalSince(started) / 60)
    return "| \(name) | \(inputs) | \(results) | \(refusals) | \(findings.count) | "
      + String(format: "%.1f s", slowest) + " | \(session.peak / 1_024) MiB | \(minutes) |"
  }

  private func quoted(_ text: String) -> String {
    let plain = text.allSatisfy { $0.isLetter || $0.isNumber || "-_=.,/:+".contains($0) }
    return plain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
  }
}
