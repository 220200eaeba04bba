// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// A process of `s2tune explore` on a free port, replaced when a request ends it.
final class ServerSession {
  /// How a request ended.
  enum Ending {
    /// An answer with this status; the bytes after its head.
    case answered(status: Int, body: String)
    /// The connection ended without an answer.
    case closed
    case hung
    case died(code: Int32)
  }

  private let program: String
  private let deadline: Double
  private var process: Process?
  private(set) var port: UInt16 = 0
  /// The most memory that a process had, in KiB.
  private(set) var peak = 0

  /// A server of a program; each request has `deadline` seconds.
  init(_ program: String, deadline: Double) { (self.program, self.deadline) = (program, deadline) }

  deinit { stop() }

  /// Starts the server unless it runs.
  func start() throws {
    if let process, process.isRunning { return }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["explore", "--port", "0"]
    var environment = ProcessInfo.processInfo.environment
    environment["SWIFT_BACKTRACE"] = "enable=no"
    process.environment = environment
    process.standardInput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    (self.process, port) = (process, try RawClient.port(saidOn: output))
  }

  /// Ends the server, by force where it does not end when it is told to.
  func stop() {
    guard let process else { return }
    process.terminate()
    for _ in 0..<500 where process.isRunning { usleep(10_000) }
    if process.isRunning { kill(process.processIdentifier, SIGKILL) }
    process.waitUntilExit()
    self.process = nil
  }

  /// Sends bytes and reads to the end of one answer; what is not whole is followed by an end of the stream.
  func exchange(_ bytes: [UInt8], isWhole: Bool) -> Ending {
    let isHead = bytes.starts(with: Array("HEAD ".utf8))
    guard let file = try? RawClient.connect(port) else { return ended() }
    defer { close(file) }
    RawClient.write(Data(bytes), to: file)
    if !isWhole { shutdown(file, Int32(SHUT_WR)) }
    let end = Date().addingTimeInterval(deadline)
    var answer: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while !Self.isWhole(answer, isHead: isHead) {
      let left = end.timeIntervalSinceNow
      var request = pollfd(fd: file, events: Int16(POLLIN), revents: 0)
      guard left > 0, poll(&request, 1, Int32(left * 1_000) + 1) > 0 else {
        return process?.isRunning == true ? .hung : ended()
      }
      let got = recv(file, &block, block.count, 0)
      guard got > 0 else { break }
      answer += block[..<got]
    }
    guard !answer.isEmpty else { return ended() }
    let text = String(decoding: answer, as: UTF8.self)
    let status = text.split(separator: " ", maxSplits: 2).dropFirst().first.flatMap { Int($0) }
    let body = text.range(of: "\r\n\r\n").map { String(text[$0.upperBound...]) } ?? ""
    notePeak()
    return .answered(status: status ?? 0, body: body)
  }

  /// A closed connection, or the end of the server that closed it.
  private func ended() -> Ending {
    for _ in 0..<5 where process?.isRunning == true { usleep(2_000) }
    guard let process, !process.isRunning else { return .closed }
    return .died(code: process.terminationStatus)
  }

  /// Whether the bytes hold a head and the body that it announces; a stream of lines ends with its connection.
  private static func isWhole(_ answer: [UInt8], isHead: Bool) -> Bool {
    guard answer.count > 12 else { return false }
    let text = String(decoding: answer, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { return false }
    if isHead { return true }
    let head = text[..<end.lowerBound].lowercased()
    if head.contains("transfer-encoding: chunked") { return text.hasSuffix("0\r\n\r\n") }
    let line = head.components(separatedBy: "\r\n").first { $0.hasPrefix("content-length:") }
    guard let length = line.flatMap({ Int($0.dropFirst(15).filter(\.isNumber)) }) else {
      return head.hasPrefix("http/1.1 100")
    }
    return text[end.upperBound...].utf8.count >= length
  }

  private func notePeak() {
    guard let process,
      let status = try? String(
        contentsOfFile: "/proc/\(process.processIdentifier)/status",
        encoding: .utf8
      ),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let size = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return }
    peak = max(peak, size)
  }
}
