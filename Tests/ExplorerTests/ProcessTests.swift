// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

@testable import Explorer

/// The program itself: where it listens and how it ends.
@Suite struct ProcessTests {
  /// A process of `s2tune explore` on a free port.
  private static func start() throws -> (Process, UInt16) {
    let process = Process()
    process.executableURL = try #require(
      Tool.program as URL?,
      "the program is built beside the tests"
    )
    process.arguments = ["explore", "--port", "0", "--cost-model", "none"]
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["S2TUNE_MODELS": packageRoot.appending(path: "models").path]
    ) { $1 }
    let output = Pipe()
    process.standardOutput = output
    process.standardInput = FileHandle.nullDevice
    try process.run()
    return (process, try RawClient.port(saidOn: output))
  }

  @Test(arguments: [SIGTERM, SIGINT])
  func aSignalEndsItWhateverItDoes(number: Int32) async throws {
    let (status, answer) = try await RawClient.onThread {
      let (process, port) = try Self.start()
      let file = try RawClient.connect(port)
      let body =
        #"{"workload": "container-churn", "host": "graviton3", "policy": "chunk=4KiB", "set": ["#
        + #""vm.memory=1TiB", "net.requests=20000"]}"#
      let head = [
        "POST /api/v1/simulate HTTP/1.1", "host: 127.0.0.1:\(port)",
        "content-type: application/json", "content-length: \(body.utf8.count)", "", "",
      ]
      RawClient.write(Data((head.joined(separator: "\r\n") + body).utf8), to: file)
      usleep(500_000)
      kill(process.processIdentifier, number)
      let answer = RawClient.read(file)
      close(file)
      process.waitUntilExit()
      return (process.terminationStatus, RawAnswer(answer).status)
    }
    #expect(status == 0)
    #expect(answer == 0 || answer == 503)
  }

  @Test(arguments: [
    (["--token", "/dev/null"], 64, "goes with --listen"),
    (["--listen", "0.0.0.0"], 64, "there is no --token"),
    (["--listen", "0.0.0.0", "--token", "/does/not/exist"], 65, "/does/not/exist"),
    (["--listen", "0.0.0.0", "--token", "/dev/null"], 65, "at least 16"),
    (["--port", "70000"], 64, "70000"), (["--workers", "0"], 64, "1 to 256"),
    (["--models", "/does/not/exist"], 64, "is not a directory"),
  ])
  func wrongUsageGetsASentence(arguments: [String], status: Int32, part: String) async throws {
    let result = try await RawClient.onThread { try Tool.run(["explore"] + arguments) }
    #expect(result.status == status && result.errors.contains(part), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  @Test func aTakenPortIsSaid() async throws {
    try await TestServer.with { server in
      let port = "\(server.port)"
      let result = try await RawClient.onThread {
        try Tool.run(["explore", "--port", port, "--cost-model", "none"])
      }
      #expect(
        result.status == 74 && result.errors.contains("127.0.0.1:\(port)"),
        "\(result.errors)"
      )
    }
  }
}
