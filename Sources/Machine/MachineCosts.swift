// SPDX-License-Identifier: GPL-3.0-or-later

import Operations
import Profiles
import Quantities

/// A host's costs in the form the machine adds them up in.
struct MachineCosts: Sendable {
  let contextSwitch: Nanoseconds
  let hardInterrupt: Nanoseconds
  let tick: Nanoseconds
  let softirqEntry: Nanoseconds
  let wakeup: Nanoseconds
  /// A poll of n packets, by n from zero to the weight.
  let poll: [Nanoseconds]
  let packet: Nanoseconds
  /// The end of a poll in which the driver no longer looks at its ring, by packets.
  ///
  /// The last eight (`gro_normal_batch`) go up the stack when the poll completes; the stack's share
  /// of a packet is assumed to be two thirds.
  let completing: [Nanoseconds]
  let readerCall: Nanoseconds
  let readerKilobyte: UnitCost
  let completion: UnitCost
  let submission: UnitCost
  /// Payload of one TCP segment: the frame without Ethernet, IP and TCP headers with timestamps.
  let segment: Int64
  let datagram: Int64
  /// Datagrams that their socket holds: each is charged its payload and 768 bytes of bookkeeping
  /// (assumed, after the kernel's struct sizes).
  let socketDatagrams: Int64
  /// Segments one read takes at most: 128 KiB.
  let readSegments: Int64

  init(_ input: MachineInput) {
    let cpu = input.host.cpu
    let nic = input.host.nic
    contextSwitch = cpu.contextSwitch * 1
    hardInterrupt = cpu.hardInterrupt * 1
    tick = cpu.tick * 1
    softirqEntry = cpu.softirqEntry * 1
    wakeup = cpu.wakeup * 1
    let weight = SoftirqRules.weight
    poll = (0...weight).map { nic.poll * 1 + nic.packet * $0 }
    packet = nic.packet * 1
    completing = (0...weight).map { nic.packet * (2 * min($0, 8)) / 3 }
    readerCall = nic.readerCall * 1
    readerKilobyte = nic.readerKilobyte
    completion = input.host.storage.completion
    submission = input.host.storage.submission
    segment = max(1, input.network.frame.rawValue - 66)
    datagram = max(1, input.network.datagramSize.rawValue)
    let buffer = input.network.socketBuffer.rawValue
    socketDatagrams = buffer > 0 ? max(1, buffer / (datagram + 768)) : .max / 4
    readSegments = max(1, (128 << 10) / segment)
  }

  /// One read of `bytes` bytes in `calls` system calls.
  func read(bytes: Int64, calls: Int64) -> Nanoseconds {
    let copied = UnitCost(rawValue: readerKilobyte.rawValue.times(saturating: bytes) >> 10) * 1
    return copied + readerCall * calls
  }
}
