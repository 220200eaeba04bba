// SPDX-License-Identifier: GPL-3.0-or-later

import ArgumentParser
import Calibration
import Tuning

/// The options that hold an answer's steps against a host.
struct CheckOptions: ParsableArguments {
  @Flag(
    help: "Says which steps this host has taken, from plain reads of /proc and /sys."
  )
  var check = false
  @Option(
    help: ArgumentHelp(
      "With --check, where /proc and /sys are: / or a copy. (default: S2TUNE_ROOT, else /)",
      valueName: "dir"
    ),
    completion: .directory
  )
  var root: String?
  @Option(
    help: ArgumentHelp(
      "With --check, the network interface that matters; all with a device unless given; may be "
        + "repeated.",
      valueName: "name"
    )
  )
  var interface: [String] = []

  /// Refuses what makes no sense together, before any work is done.
  func check(isOneAnswer: Bool) throws {
    guard check else {
      guard root == nil, interface.isEmpty else {
        throw Failure.usage("--root and --interface belong to --check")
      }
      return
    }
    guard isOneAnswer else {
      throw Failure.usage("--check needs one answer, and --unknown asks for several")
    }
    for name in interface where name.isEmpty || name.hasPrefix(".") || name.contains("/") {
      throw Failure.usage("--interface '\(name)' is not legal; write a name such as eth0")
    }
    _ = try MachineFiles.files(root)
  }

  /// The answer's steps on the host; nil where that was not asked or nothing is recommended.
  func check(_ answer: Recommendation, _ question: Question) throws -> HostCheck? {
    guard check else { return nil }
    return try answer.check(question, on: MachineFiles.files(root), interfaces: interface)
  }
}
