// SPDX-License-Identifier: GPL-3.0-or-later

extension HostFiles {
  /// A process by its number and its name.
  package struct Process: Hashable, Sendable {
    /// Its number.
    package let id: Int
    /// The first 15 bytes of its name, as the kernel keeps them.
    package let name: String
    /// The directory of its files.
    package var folder: String { "/proc/\(id)" }
  }

  /// The processes that a user sees.
  package struct Processes: Sendable {
    /// The processes by their numbers.
    package let all: [Process]
    /// Whether they are all that run: the kernel's own threads are among them, which neither another
    /// user's view (`hidepid`) nor another namespace shows.
    package let isWhole: Bool
  }

  /// The longest command line, in bytes: what the kernel takes with the standard limit of a stack.
  private static let commandLimit = 1 << 21

  /// The processes that can be seen; one that ends meanwhile is left out.
  package func processes() throws(Silence) -> Processes {
    let ids = try names("/proc").compactMap { $0.first?.isNumber == true ? Int($0) : nil }
    let all = ids.sorted().compactMap { id in
      (try? value("/proc/\(id)/comm")).map { Process(id: id, name: $0) }
    }
    return Processes(all: all, isWhole: all.contains { $0.id == 2 && $0.name == "kthreadd" })
  }

  /// The arguments of a process, its program first; none for a thread of the kernel.
  package func arguments(of process: Process) throws(Silence) -> [String] {
    let path = process.folder + "/cmdline"
    let text = try text(path, limit: Self.commandLimit)
    guard !text.isEmpty else { return [] }
    guard text.unicodeScalars.last == "\0" else {
      throw Silence(path: path, "it is cut off: no zero byte ends it")
    }
    return text.dropLast().split(separator: "\0", omittingEmptySubsequences: false).map(String.init)
  }

  /// The CPUs on which a process's first thread may run.
  package func allowedCPUs(of process: Process) throws(Silence) -> NumberList {
    let path = process.folder + "/status"
    let lines = try text(path).split(separator: "\n", omittingEmptySubsequences: false)
    // What follows the last line feed is no line.
    guard let line = lines.dropLast().first(where: { $0.hasPrefix(Self.allowed) }) else {
      throw Silence(path: path, "it has no line \(Self.allowed)")
    }
    let text = line.dropFirst(Self.allowed.count).trimmingPrefix(while: \.isWhitespace)
    guard let list = NumberList(parsing: text) else {
      throw Silence(path: path, "'\(text.prefix(40))' is no list of CPUs such as 0-3,8")
    }
    return list
  }

  /// The line of a process's status with its CPUs.
  package static let allowed = "Cpus_allowed_list:"
}
