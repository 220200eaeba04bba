// SPDX-License-Identifier: GPL-3.0-or-later

import Files
import Foundation

extension HostFiles {
  /// Where the interfaces are.
  package static let interfaces = "/sys/class/net"

  /// The interfaces with a device behind them that are not down; where all are down, all of them.
  ///
  /// `lo`, bridges, bonds and taps have no device: their packets come by the interrupts of others.
  package func interfaces() throws(Silence) -> [String] {
    let all = try names(Self.interfaces).filter { tree.holds("\(Self.interfaces)/\($0)/device") }
    let up = all.filter { (try? value("\(Self.interfaces)/\($0)/operstate")) != "down" }
    return up.isEmpty ? all : up
  }

  /// How many receive queues an interface has.
  package func receiveQueues(of interface: String) throws(Silence) -> Int {
    try names("\(Self.interfaces)/\(interface)/queues").count { $0.hasPrefix("rx-") }
  }

  /// Where the interrupts of an interface's device may be delivered.
  package struct Affinity: Sendable {
    /// The interrupts by the list that their file holds, in the order in which lists were met.
    package var groups: [(cpus: NumberList, interrupts: NumberList)] = []
    /// Files that say nothing.
    package var silences: [Silence] = []
  }

  /// The affinity of an interface's message-signalled interrupts; those that no driver has asked for
  /// have no directory and are left out.
  package func affinity(of interface: String) throws(Silence) -> Affinity {
    let folder = "\(Self.interfaces)/\(interface)/device/msi_irqs"
    var affinity = Affinity()
    for number in try names(folder).compactMap({ Int($0) }).sorted()
    where number > 0 && number <= NumberList.largest && tree.holds("/proc/irq/\(number)") {
      do throws(Silence) {
        let cpus = try list("/proc/irq/\(number)/smp_affinity_list")
        if let place = affinity.groups.firstIndex(where: { $0.cpus == cpus }) {
          affinity.groups[place].interrupts.numbers.insert(number)
        } else {
          affinity.groups.append((cpus, NumberList([number])))
        }
      } catch {
        affinity.silences.append(error)
      }
    }
    guard !affinity.groups.isEmpty || !affinity.silences.isEmpty else {
      throw Silence(path: folder, "none of its interrupts is in /proc/irq")
    }
    return affinity
  }
}
