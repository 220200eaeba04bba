// SPDX-License-Identifier: GPL-3.0-or-later

import Profiles
import TestSupport
import Testing

/// Values at the ends of what is legal and right beyond, alone and in pairs, end with a result or with
/// a sentence.
///
/// `Fuzz/run pairs` tries every pair.
@Suite struct ExtremesTests {
  private static let places = [
    ["container-churn-small", "graviton3", "6.1"], ["live-migration-thp", "ampere-altra", "6.12"],
    ["storage-randwrite", "generic-armv8.4", "6.5"], ["ci-microvm", "tlbirange-vhe-2023", "6.19"],
  ]

  private func check(_ commands: [[String]]) throws {
    let endings = try Tool.session(commands)
    if endings.count < commands.count {
      Issue.record("ends the process: \(commands[endings.count].joined(separator: " "))")
    }
    for (command, ending) in zip(commands, endings) {
      let isSentence = [64, 65].contains(ending.status) && !ending.errors.isEmpty
      let text = "\(command.joined(separator: " ")): \(ending)"
      #expect(isSentence || [0, 1].contains(ending.status), "\(text)")
    }
  }

  @Test("every key at its ends and beyond", arguments: [UInt64(1)])
  func alone(seed: UInt64) throws {
    var cases = ExtremeCases(places: Self.places, seed: seed)
    let all = cases.single()
    #expect(all.count > 300)
    // One process for a part: a trap ends the whole of it.
    let sample = all.enumerated().filter { $0.offset % 4 == Int(seed % 4) }.map(\.element)
    try check(sample)
  }

  @Test("pairs of keys", arguments: Property.seeds(2))
  func pairs(seed: UInt64) throws {
    var cases = ExtremeCases(places: Self.places, seed: seed)
    try check((0..<60).map { _ in cases.pair() })
  }

  @Test("counts", arguments: Property.seeds(2))
  func counts(seed: UInt64) throws {
    var cases = ExtremeCases(places: Self.places, seed: seed)
    try check((0..<150).map { _ in cases.count() })
  }

  @Test func whatIsBeyondIsRefused() throws {
    let question = ["--workload", "ci-microvm", "--host", "graviton3", "--window"]
    var commands: [[String]] = []
    for key in HostProfile.keys {
      commands += key.beyond.map { ["simulate"] + question + ["--set", "\(key.name)=\($0)"] }
    }
    for key in WorkloadProfile.keys where !key.name.hasPrefix("slo.") {
      commands += key.beyond.map { ["simulate"] + question + ["--set", "\(key.name)=\($0)"] }
    }
    let endings = try Tool.session(commands)
    #expect(endings.count == commands.count && commands.count > 120)
    for (command, ending) in zip(commands, endings) {
      #expect(ending.status == 64, "\(command.last ?? ""): \(ending)")
    }
  }

  @Test(
    "the command lines that ended the program once",
    arguments: [
      "simulate --workload storage-randwrite --host generic-armv8.4 --kernel 6.5 --policy "
        + "pause=9223372036.854s,slice=4KiB --window",
      "simulate --workload database-hugetlb-1g --host tlbirange-vhe-2023 --kernel 6.19 --policy "
        + "controller=time:1ns/4611686018427387904 --fast",
      "count --kernel 6.19 --ipa-bits 40 --map 0x40001000+64KiB:4K --op "
        + "clear-log:0x7ffffffffffff000/0x1",
      "simulate --workload container-churn --host qemu-n1-6.12 --kernel 6.6 --set "
        + "net.offered=1bit/s --window",
      "simulate --workload live-migration-thp --host ampere-altra --kernel 6.12 --set "
        + "migration.link=1kbit/s --set migration.maximum_rounds=5000 --set "
        + "migration.downtime_limit=2ns --fast",
      "simulate --workload container-churn --host graviton3 --set nic.rate=8bit/s --window",
    ]
  )
  func once(command: String) throws {
    let result = try Tool.run(command.split(separator: " ").map(String.init))
    #expect([64, 65].contains(result.status), "\(result)")
    #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
  }

  @Test func aRunAtItsLimitSaysWhatItWasMadeOf() throws {
    let result = try Tool.run([
      "simulate", "--workload", "container-churn", "--host", "graviton3", "--max-events", "5000",
    ])
    #expect(result.status == 1)
    #expect(result.errors.contains("of them interrupts and polls; net.offered"), "\(result.errors)")
  }
}
