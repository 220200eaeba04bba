// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation

/// How one command line ended.
enum Ending {
  /// It came to an end of its own: code, what it said on standard error, bytes of its answer.
  case ended(status: Int32, errors: String, bytes: Int)
  /// The process died, by this signal or with this code.
  case died(code: Int32, errors: String)
  /// It took longer than anybody waits.
  case hung
}

/// A process that runs one command line after another, and is replaced when one ends it.
final class Session {
  private let program: String
  private let deadline: Double
  private let errors: String
  private var process: Process?
  private var input = FileHandle.nullDevice
  private var output = FileHandle.nullDevice
  /// The most memory that a process had, in KiB.
  private(set) var peak = 0
  private var runs = 0

  /// A session of a program; each command has `deadline` seconds.
  init(_ program: String, deadline: Double = 10) {
    self.program = program
    self.deadline = deadline
    errors = NSTemporaryDirectory() + "fuzz-\(getpid())-\(UUID().uuidString).err"
  }

  deinit {
    stop()
    unlink(errors)
  }

  /// Runs one command line.
  func run(_ arguments: [String]) throws -> Ending {
    let process = try running()
    runs += 1
    var line = try JSONEncoder().encode(arguments)
    line.append(UInt8(ascii: "\n"))
    try? input.write(contentsOf: line)
    guard let answer = readLine() else {
      let isDead = !process.isRunning || waitsToEnd(process)
      let said = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
      stop()
      return isDead ? .died(code: process.terminationStatus, errors: said) : .hung
    }
    struct Answer: Decodable {
      let status: Int32
      let errors: String
      let bytes: Int
    }
    let decoded = try JSONDecoder().decode(Answer.self, from: answer)
    notePeak(process)
    if runs >= 2_000 { stop() }
    return .ended(status: decoded.status, errors: decoded.errors, bytes: decoded.bytes)
  }

  private func running() throws -> Process {
    if let process, process.isRunning { return process }
    runs = 0
    let (to, from) = (Pipe(), Pipe())
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = ["session"]
    process.standardInput = to
    process.standardOutput = from
    _ = FileManager.default.createFile(atPath: errors, contents: nil)
    process.standardError = FileHandle(forWritingAtPath: errors)
    var environment = ProcessInfo.processInfo.environment
    environment["SWIFT_BACKTRACE"] = "enable=no"
    process.environment = environment
    try process.run()
    (input, output) = (to.fileHandleForWriting, from.fileHandleForReading)
    self.process = process
    return process
  }

  /// The next line of the answer; nil where the process ended or the deadline passed.
  private func readLine() -> Data? {
    let end = Date().addingTimeInterval(deadline)
    var data = Data()
    while true {
      let left = end.timeIntervalSinceNow
      var request = pollfd(fd: output.fileDescriptor, events: Int16(POLLIN), revents: 0)
      guard left > 0, poll(&request, 1, Int32(left * 1_000) + 1) > 0 else { return nil }
      var block = [UInt8](repeating: 0, count: 65_536)
      let got = read(output.fileDescriptor, &block, block.count)
      guard got > 0 else { return nil }
      data.append(contentsOf: block[..<got])
      if data.last == UInt8(ascii: "\n") { return data }
    }
  }

  /// Whether the process ends within a moment: a pipe closes a little before.
  private func waitsToEnd(_ process: Process) -> Bool {
    for _ in 0..<50 where process.isRunning { usleep(10_000) }
    return !process.isRunning
  }

  private func notePeak(_ process: Process) {
    let file = "/proc/\(process.processIdentifier)/status"
    guard let status = try? String(contentsOfFile: file, encoding: .utf8),
      let line = status.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }),
      let size = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    else { return }
    peak = max(peak, size)
  }

  private func stop() {
    guard let process else { return }
    if process.isRunning {
      kill(process.processIdentifier, SIGKILL)
      process.waitUntilExit()
    }
    self.process = nil
  }
}
