// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Files
import Foundation

/// `s2tune session`: many command lines in one process, for whoever tries a great many of them.
///
/// Each line of standard input is a list of arguments as JSON. Each line of the answer says with which
/// code the command ended, what it said on standard error, and how many bytes it answered. A command
/// that ends the process has no line.
struct SessionCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "session",
    abstract: "Runs command lines read from standard input, one JSON list each.",
    shouldDisplay: false
  )

  /// How one command ended.
  struct Ending: Encodable {
    let status: Int32
    let errors: String
    let bytes: Int
  }

  func run() throws {
    var lines = try TextLines("-")
    let answers = Descriptor(dup(STDOUT_FILENO), named: "standard output")
    let (output, errors) = (try Capture(STDOUT_FILENO), try Capture(STDERR_FILENO))
    while let line = try lines.next() {
      let arguments = try? JSONDecoder().decode([String].self, from: Data(line.utf8))
      guard let arguments else {
        throw Failure.data("-:\(lines.line): not legal here; write a list of texts as JSON")
      }
      guard arguments.first != Self.configuration.commandName else {
        throw Failure.usage("a session holds no session")
      }
      let status = Program.run(arguments)
      let ending = Ending(
        status: status,
        errors: String(decoding: errors.take(), as: UTF8.self),
        bytes: output.take().count
      )
      let text = String(decoding: try JSONEncoder().encode(ending), as: UTF8.self)
      try answers.write(Data((text + "\n").utf8))
    }
  }
}

/// A standard descriptor that writes into a file without a name, to be taken piece by piece.
private struct Capture {
  private let number: Int32

  init(_ number: Int32) throws {
    self.number = number
    var name = Array("\(FileManager.default.temporaryDirectory.path)/s2tune-XXXXXX".utf8CString)
    let file = mkstemp(&name)
    guard file >= 0 else { throw Failure.data("no temporary file can be made") }
    unlink(name)
    dup2(file, number)
    close(file)
  }

  /// What was written since the last time.
  func take() -> Data {
    let end = lseek(number, 0, SEEK_CUR)
    lseek(number, 0, SEEK_SET)
    let data = (try? Descriptor(number, named: "").read(Int(max(end, 1)))) ?? Data()
    ftruncate(number, 0)
    lseek(number, 0, SEEK_SET)
    return data
  }
}
