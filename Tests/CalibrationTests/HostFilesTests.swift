// SPDX-License-Identifier: GPL-3.0-or-later

import Calibration
import Files
import Foundation
import TestSupport
import Testing

/// What a host shows of itself, read from a tree that stands for one.
@Suite struct HostFilesTests {
  private let host = HostFiles(
    FileTree(packageRoot.appending(path: "Tests/Golden/hosts/debian-server").path)
  )

  @Test(
    arguments: [
      ("0-3,8", [0, 1, 2, 3, 8]), ("7", [7]), ("", []), ("2,1", [1, 2]), ("0-1048576", nil),
      ("3-1", nil), ("0-", nil), ("-", nil), (",", nil), ("0-1-2", nil), ("1048577", nil),
      ("0-99999999999999999999", nil), ("+1", nil), ("a", nil),
    ] as [(String, [Int]?)]
  )
  func listsAreReadAsTheKernelWritesThem(text: String, numbers: [Int]?) throws {
    let list = NumberList(parsing: text)
    if text == "0-1048576" {
      #expect(list?.description == text)
    } else {
      #expect(list.map { Array($0.numbers) } == numbers)
    }
  }

  @Test func interfacesWithADeviceAreThoseThatAreUp() throws {
    #expect(try host.interfaces() == ["eth0"])
    #expect(try host.receiveQueues(of: "eth0") == 4)
    #expect(try host.value("/sys/class/net/eth0/threaded") == "0")
  }

  @Test func interruptsThatNobodyAskedForAreLeftOut() throws {
    let affinity = try host.affinity(of: "eth0")
    #expect(affinity.groups.map { "\($0.interrupts): \($0.cpus)" } == ["45-48: 0-63"])
    #expect(affinity.silences.isEmpty)
    let none = #expect(throws: HostFiles.Silence.self) { try host.affinity(of: "tap0") }
    #expect(none?.path == "/sys/class/net/tap0/device/msi_irqs")
  }

  @Test func processesHaveNamesArgumentsAndCPUs() throws {
    let seen = try host.processes()
    #expect(seen.all.map(\.id) == [1, 2, 812, 2301] && seen.isWhole)
    let guest = try #require(seen.all.last)
    #expect(guest.name == "qemu-system-aar")
    #expect(try host.arguments(of: guest).first == "/usr/bin/qemu-system-aarch64")
    #expect(try host.arguments(of: seen.all[1]).isEmpty)
    #expect(try host.allowedCPUs(of: guest).description == "0-63")
  }
}
