// SPDX-License-Identifier: GPL-3.0-or-later

package import Foundation

/// An open file of the system, written and read to the end whatever interrupts it.
package struct Descriptor {
  /// The number that the system gave it.
  package let number: Int32
  /// Its name, for messages.
  package let name: String

  /// A descriptor that is open already.
  package init(_ number: Int32, named name: String) { (self.number, self.name) = (number, name) }

  /// Standard output.
  package static let output = Descriptor(STDOUT_FILENO, named: "standard output")

  /// Keeps the numbers 0 to 2 from being given to files, where the caller closed them, and lets a write
  /// to a pipe that nobody reads fail instead of ending the program.
  ///
  /// A closed standard output stays one that cannot be written to.
  package static func prepareStandard() {
    signal(SIGPIPE, SIG_IGN)
    for number in [STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO]
    where fcntl(number, F_GETFD) == -1 {
      // The least free number is the one that was found closed.
      _ = open("/dev/null", number == STDERR_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  /// Writes all bytes; throws `closedPipe` or `notWritten`, of which a part may have been written.
  package func write(_ data: Data) throws(FileError) {
    var data = data[...]
    while !data.isEmpty {
      let written = data.withUnsafeBytes { Foundation.write(number, $0.baseAddress, $0.count) }
      if written >= 0 {
        data = data.dropFirst(written)
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: wait(for: POLLOUT)
      case EPIPE: throw .closedPipe(path: name)
      case let code: throw .notWritten(path: name, reason: Self.reason(code))
      }
    }
  }

  /// Reads at most `count` bytes, none at the end; throws `notRead`.
  package func read(_ count: Int) throws(FileError) -> Data {
    var data = Data(count: count)
    while true {
      let got = data.withUnsafeMutableBytes { Foundation.read(number, $0.baseAddress, count) }
      if got >= 0 { return data.prefix(got) }
      switch errno {
      case EINTR: continue
      case EAGAIN: wait(for: POLLIN)
      case let code: throw .notRead(path: name, reason: Self.reason(code))
      }
    }
  }

  /// Waits until what is written is on the disk; pipes and devices have none.
  package func synchronize() throws(FileError) {
    while fsync(number) != 0 {
      switch errno {
      case EINTR: continue
      case EINVAL, EROFS: return
      case let code: throw .notWritten(path: name, reason: Self.reason(code))
      }
    }
  }

  /// Closes it; a write that the system had put off may fail only now.
  package func close() throws(FileError) {
    guard Foundation.close(number) == 0 || errno == EINTR else {
      throw .notWritten(path: name, reason: Self.reason(errno))
    }
  }

  /// What the system says of an error's number.
  static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }

  private func wait(for events: Int32) {
    var request = pollfd(fd: number, events: Int16(events), revents: 0)
    _ = poll(&request, 1, -1)
  }
}
