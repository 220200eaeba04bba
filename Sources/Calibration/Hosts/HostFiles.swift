// SPDX-License-Identifier: GPL-3.0-or-later

package import Files

/// What a host shows of itself under `/proc` and `/sys`: read plainly, nothing is written or started.
package struct HostFiles: Sendable {
  /// Where `/proc` and `/sys` are.
  let tree: FileTree

  /// The largest file of one value, in bytes; a list of every second of 4096 CPUs has 10 KiB.
  static let valueLimit = 1 << 16

  /// The files of a host, or a copy of them.
  package init(_ tree: FileTree) { self.tree = tree }

  /// The directory in which `/proc` and `/sys` are.
  package var root: String { tree.root }
  /// Whether the kernel offers KVM.
  package var holdsKVM: Bool { tree.holds("/dev/kvm") }

  /// Why a host's file says nothing.
  package struct Silence: Error, Hashable, Sendable, CustomStringConvertible {
    /// The file, below the root.
    package let path: String
    /// What is wrong, without the file's name.
    package let reason: String
    /// The file and what is wrong.
    package var description: String { "\(path): \(reason)" }

    /// A file and what is wrong with it.
    package init(path: String, _ reason: String) { (self.path, self.reason) = (path, reason) }

    init(_ error: FileError, at path: String) {
      let sentence = error.description
      let isNamed = sentence.hasPrefix(path + ": ")
      self.init(path: path, isNamed ? String(sentence.dropFirst(path.count + 2)) : sentence)
    }
  }

  /// A file's text, whatever it holds.
  func text(_ path: String, limit: Int = valueLimit) throws(Silence) -> String {
    do throws(FileError) {
      return try tree.text(path, limit: limit)
    } catch {
      throw Silence(error, at: path)
    }
  }

  /// The names in a directory, sorted.
  func names(_ path: String) throws(Silence) -> [String] {
    do throws(FileError) {
      return try tree.names(path)
    } catch {
      throw Silence(error, at: path)
    }
  }

  /// The one line of a file that holds a value, without its line feed.
  package func value(_ path: String) throws(Silence) -> String {
    let text = try text(path)
    guard text.last == "\n" else {
      throw Silence(
        path: path,
        text.isEmpty ? "it is empty" : "it is cut off: no line feed ends it"
      )
    }
    let line = text.dropLast()
    guard !line.contains("\n") else { throw Silence(path: path, "it has more than one line") }
    return String(line)
  }

  /// The list of CPUs in a file.
  package func list(_ path: String) throws(Silence) -> NumberList {
    let text = try value(path)
    guard let list = NumberList(parsing: text) else {
      throw Silence(path: path, "'\(text.prefix(40))' is no list of CPUs such as 0-3,8")
    }
    return list
  }

  /// The file of the CPUs that are online.
  package static let online = "/sys/devices/system/cpu/online"
  /// The file of the running kernel's release.
  package static let release = "/proc/sys/kernel/osrelease"
}
