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

  /// Sends a request and notes how it ended; true where it ended well.
  mutating func send(_ bytes: [UInt8], isWhole: Bool, to server: ServerSession) throws -> Bool {
    try server.start()
    let began = Date()
    let ending = server.exchange(bytes, isWhole: isWhole)
    let text = String(decoding: bytes, as: UTF8.self)
    let isLong = ["simulate", "recommend", "pareto"].contains { text.contains("/api/v1/" + $0) }
    inputs += 1
    let problem: String?
    switch ending {
    case .answered(let status, _) where status < 400:
      results += 1
      problem = status >= 100 ? nil : "no status"
    case .answered(let status, let body):
      refusals += 1
      let isSilent = body.isEmpty && !text.hasPrefix("HEAD ")
      problem = status == 500 ? "status 500: \(body.prefix(300))" : isSilent ? "no sentence" : nil
    case .closed:
      refusals += 1
      problem = isWhole ? "no answer" : nil
    case .hung:
      // Work that takes long ends when its client leaves, and the server goes on.
      let health = Array("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:\(server.port)\r\n\r\n".utf8)
      if isLong, case .answered(200, _) = server.exchange(health, isWhole: true) {
        refusals += 1
        problem = nil
      } else {
        problem = "hang"
        server.stop()
      }
    case .died(let code): problem = "crash \(code)"
    }
    if !isLong { slowest = max(slowest, Date().timeIntervalSince(began)) }
    guard let problem else { return true }
    findings.append(problem)
    say("\(problem): \(text.debugDescription)")
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
  func summary(peak: Int) -> String {
    let minutes = String(format: "%.1f", Date().timeIntervalSince(started) / 60)
    return "| \(name) | \(inputs) | \(results) | \(refusals) | \(findings.count) | "
      + String(format: "%.1f s", slowest) + " | \(peak / 1_024) MiB | \(minutes) |"
  }

  private func quoted(_ text: String) -> String {
    let plain = text.allSatisfy { $0.isLetter || $0.isNumber || "-_=.,/:+".contains($0) }
    return plain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
  }
}
