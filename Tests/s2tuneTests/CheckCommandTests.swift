// SPDX-License-Identifier: GPL-3.0-or-later

import Foundation
import TestSupport
import Testing

/// `recommend --check` as a user runs it, on a copy of a host's files.
@Suite struct CheckCommandTests {
  private let question = [
    "recommend", "--workload", "container-churn", "--host", "graviton3", "--kernel", "6.1",
    "--check",
  ]
  private let root = packageRoot.appending(path: "Tests/Golden/hosts/debian-server").path

  /// The lines after the answer, without what differs from machine to machine.
  private func report(_ result: Tool.Result, _ root: String) -> String {
    let lines = result.output.replacing(root, with: "ROOT").split(separator: "\n")
    return lines.drop { !$0.hasPrefix("  check") }.joined(separator: "\n") + "\n"
  }

  @Test func stepsThatAreNotDoneEndWith1() throws {
    let result = try Tool.run(question + ["--root", root])
    #expect(result.status == 1 && result.errors.isEmpty, "\(result.errors)")
    let text = report(result, root)
    #expect(text.split(separator: "\n").allSatisfy { $0.count <= 100 })
    Golden.check(text, "hosts/debian-server.txt")
  }

  /// Steps that no file shows do not count, and those that are done end with 0.
  @Test func stepsThatAreDoneEndWith0() throws {
    let copy = FileManager.default.temporaryDirectory.path + "/" + UUID().uuidString
    try FileManager.default.copyItem(atPath: root, toPath: copy)
    defer { try? FileManager.default.removeItem(atPath: copy) }
    try FileManager.default.removeItem(atPath: copy + "/proc/812")
    for number in 45...48 {
      let file = URL(fileURLWithPath: copy + "/proc/irq/\(number)/smp_affinity_list")
      try Data("0-62\n".utf8).write(to: file)
    }
    let status = URL(fileURLWithPath: copy + "/proc/2301/status")
    try Data("Cpus_allowed_list:\t63\n".utf8).write(to: status)
    let result = try Tool.run(question + ["--root", copy])
    #expect(result.status == 0, "\(result.output)\(result.errors)")
    #expect(result.output.contains("4 done, 0 not done, 1 cannot tell"), "\(result.output)")
  }

  /// A directory without /proc and /sys says nothing, and that is no failure.
  @Test func anEmptyRootTellsNothing() throws {
    let empty = FileManager.default.temporaryDirectory.path + "/" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: empty, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: empty) }
    let result = try Tool.run(question + ["--root", empty])
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(result.output.contains("0 done, 0 not done, 5 cannot tell"), "\(result.output)")
    #expect(try Tool.run(question).status < 2, "this machine's own files are read without a fault")
  }

  @Test func whereNothingIsToBeDoneNothingIsChecked() throws {
    let result = try Tool.run(
      [
        "recommend", "--workload", "memory-reclaim", "--host", "graviton3", "--kernel", "6.1",
        "--set", "vm.memory=256MiB", "--set", "vm.vcpus=2", "--set", "net.flows=0", "--set",
        "net.offered=0bit/s", "--cost-model", "none", "--budget", "9", "--slo", "wp.stall<=1ms",
        "--check", "--root", root,
      ]
    )
    #expect(result.status == 0 && result.output.contains("no step is to be taken"))
  }

  @Test(arguments: [
    (["--root", "/does/not/exist"], "is not a directory"),
    (["--interface", "../eth0"], "write a name such as eth0"),
    (["--unknown", "reader"], "--check needs one answer"),
  ])
  func badInputGetsASentence(arguments: [String], part: String) throws {
    let result = try Tool.run(question + arguments)
    #expect(result.status == 64 && result.errors.contains(part), "\(result.errors)")
    #expect(result.output.isEmpty)
  }

  @Test func aRootWithoutACheckIsRefused() throws {
    let result = try Tool.run(question.dropLast() + ["--root", root])
    #expect(result.status == 64 && result.errors.contains("belong to --check"), "\(result.errors)")
  }
}
