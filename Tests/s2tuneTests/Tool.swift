// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import Testing

/// The built program, run as a user runs it.
struct Tool {
  /// What one run wrote and how it ended.
  struct Result {
    let status: Int32
    let output: String
    let errors: String
  }

  /// The program beside the test bundle.
  static let program: URL? = {
    var places = CommandLine.arguments.filter { $0.contains(".xctest") }
    places.append("/proc/self/exe")
    for place in places {
      var folder = URL(fileURLWithPath: place).resolvingSymlinksInPath()
      while folder.path != "/" {
        folder = folder.deletingLastPathComponent()
        let program = folder.appendingPathComponent("s2tune")
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: program.path, isDirectory: &isDirectory),
          !isDirectory.boolValue
        {
          return program
        }
      }
    }
    return nil
  }()

  /// Runs the program, or a copy of it, with these arguments; its input is empty unless a text is
  /// given.
  static func run(
    _ arguments: [String],
    environment: [String: String] = [:],
    input: String? = nil,
    in directory: URL? = nil,
    program: URL? = nil
  ) throws -> Result {
    let process = Process()
    process.executableURL = try #require(
      (program ?? Self.program) as URL?,
      "the program is built beside the tests"
    )
    process.arguments = arguments
    if let directory { process.currentDirectoryURL = directory }
    process.environment = Self.variables.merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let files = ["output", "errors"].map { folder.appendingPathComponent($0) }
    for file in files { try Data().write(to: file) }
    if let input {
      let file = folder.appendingPathComponent("input")
      try Data(input.utf8).write(to: file)
      process.standardInput = try FileHandle(forReadingFrom: file)
    }
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    try process.run()
    process.waitUntilExit()
    return Result(
      status: process.terminationStatus,
      output: try String(contentsOf: files[0], encoding: .utf8),
      errors: try String(contentsOf: files[1], encoding: .utf8)
    )
  }

  /// The environment of this process without what would change an answer.
  private static var variables: [String: String] {
    var variables = ProcessInfo.processInfo.environment
    for name in ["S2TUNE_MODELS", "S2TUNE_STORE"] { variables[name] = nil }
    variables["COLUMNS"] = "80"
    return variables
  }

  /// Starts the program and leaves it to itself; what it says goes nowhere.
  static func start(_ arguments: [String]) throws -> Process {
    let process = Process()
    process.executableURL = try #require(Self.program as URL?)
    process.arguments = arguments
    process.environment = variables
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    return process
  }

  /// How a command of a session ended.
  struct Ending: Decodable {
    let status: Int32
    let errors: String
    let bytes: Int
  }

  /// Runs many command lines in one process; fewer endings than commands where one ended it.
  static func session(_ commands: [[String]]) throws -> [Ending] {
    let lines = try commands.map { String(decoding: try JSONEncoder().encode($0), as: UTF8.self) }
    let result = try run(["session"], input: lines.joined(separator: "\n") + "\n")
    return try result.output.split(separator: "\n").map {
      try JSONDecoder().decode(Ending.self, from: Data($0.utf8))
    }
  }
}
