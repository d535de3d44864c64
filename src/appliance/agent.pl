#!/usr/bin/perl
# The reader's machine: process 1 of a kernel that has nothing but this program, drivers and other people's disks. It mounts
# them read-only and answers requests over a serial port, one at a time; the kernel's own calls are all it needs, since
# perl-base is on every Debian and Ubuntu and a shell could name no file whose name is not text.
#
#   request  4 length   1 operation   ... arguments      reply  4 length   1 status (0 last, 1 more follow, 2 error)   ...
#   all numbers big-endian; an error is 4 errno; entries are the kernel's struct statx (256 bytes), as it gives them

sub call { my $result = syscall($_[0], @_[1 .. $#_]); return $result }
sub mount_at { my ($from, $to, $type, $flags, $data) = @_; mkdir $to; return call(165, $from, $to, $type, $flags + 0, $data) }

mount_at('dev', '/dev', 'devtmpfs', 0, '');
mount_at('sys', '/sys', 'sysfs', 0, '');
load_modules('first');

my $port;
my %loaded;
for (1 .. 400) {
  opendir(my $devices, '/dev');
  my ($found) = grep { /^vport\d+p1$/ } readdir $devices;
  last if defined $found && sysopen($port, "/dev/$found", 2);
  select(undef, undef, undef, 0.05);
}
power_off() unless $port;

while (1) {
  my $length = unpack('N', take(4));
  my ($operation, $arguments) = unpack('a a*', take($length));
  my $answer = { M => \&mount_disk, S => \&stat_path, L => \&list, R => \&read_file, E => \&extents, K => \&read_link,
    X => \&attributes, Q => \&power_off }->{$operation};
  $! = 38; # ENOSYS
  my $last = $answer ? eval { $answer->($arguments) } : undef;
  if (defined $last) { reply(0, $last) } else { reply(2, pack('N', $! + 0 || 5)) }
}

# What is loaded already is refused, which does no harm.
sub load_modules {
  my ($group) = @_;
  open(my $order, '<', "/modules/$group.order") or return;
  while (my $name = <$order>) {
    chomp $name;
    open(my $module, '<', "/modules/$name") or next;
    my $none = '';
    call(313, fileno($module), $none, 0); # finit_module
  }
}

# Nobody at the other end reads as an end of file: wait.
sub take {
  my ($wanted) = @_;
  my $taken = '';
  while (length $taken < $wanted) {
    my $count = sysread($port, $taken, $wanted - length $taken, length $taken);
    select(undef, undef, undef, 0.02) unless $count;
  }
  return $taken;
}

sub reply {
  my ($status, $payload) = @_;
  my $bytes = pack('N C', 1 + length $payload, $status) . $payload;
  for (my $done = 0; $done < length $bytes;) {
    my $count = syswrite($port, $bytes, length($bytes) - $done, $done);
    if (defined $count) { $done += $count } else { select(undef, undef, undef, 0.02) }
  }
}

# 1 disk, then the kind. Read-only, no devices, no programs, no set-user-id; a journal is replayed into the overlay.
sub mount_disk {
  my ($disk, $kind) = unpack('C a*', $_[0]);
  my $from = device_of($disk);
  return undef unless defined $from;
  load_modules($kind) unless $loaded{$kind}++;
  my $data = $kind eq 'xfs' ? 'nouuid' : ''; # a copy of another disk of the machine may be among its disks
  return undef if mount_at($from, "/m$disk", $kind, 1 | 2 | 4 | 8, $data) != 0;
  return statx_of("/m$disk");
}

# Disks come while the machine runs; the kernel tells by their SCSI address which is which.
sub device_of {
  my ($disk) = @_;
  for (1 .. 600) {
    opendir(my $addresses, '/sys/bus/scsi/devices');
    my ($address) = grep { /^\d+:0:$disk:0$/ } readdir $addresses;
    if (defined $address && opendir(my $names, "/sys/bus/scsi/devices/$address/block")) {
      my ($name) = grep { /^sd/ } readdir $names;
      # Its node is there before the kernel finds the disk by its number (device_add_disk calls bdev_add last): open it.
      return "/dev/$name" if defined $name && sysopen(my $opened, "/dev/$name", 0);
    }
    select(undef, undef, undef, 0.005);
  }
  $! = 19; # ENODEV
  return undef;
}

sub statx_of {
  my ($path) = @_;
  my $facts = "\0" x 256;
  return call(332, -100, $path, 0x100, 0xfff, $facts) == 0 ? $facts : undef; # AT_FDCWD, AT_SYMLINK_NOFOLLOW
}

sub stat_path { return statx_of($_[0]) }

# Entries, each 2 length, name, 1 (1 facts follow, 0 errno follows), facts or 4 errno.
sub list {
  my ($path) = @_;
  opendir(my $folder, $path) or return undef;
  $! = 0;
  my @names = sort grep { $_ ne '.' && $_ ne '..' } readdir $folder;
  my $batch = $! + 0 ? pack('n C N', 0, 0, $! + 0) : ''; # without a name: some of the names are lost
  for my $name (@names) {
    my $facts = statx_of("$path/$name");
    $batch .= pack('n/a*', $name) . (defined $facts ? "\1$facts" : pack('C N', 0, $! + 0));
    if (length $batch > 200_000) { reply(1, $batch); $batch = '' }
  }
  return $batch;
}

# 8 offset, 4 length, path.
sub read_file {
  my ($offset, $length, $path) = unpack('Q> N a*', $_[0]);
  sysopen(my $file, $path, 0) or return undef;
  sysseek($file, $offset, 0) or return undef;
  my $bytes = '';
  while (length $bytes < $length) {
    my $count = sysread($file, $bytes, $length - length $bytes, length $bytes);
    return undef unless defined $count;
    last unless $count;
  }
  return $bytes;
}

# 8 from, path: pairs of 8 start and 8 end of what holds data; empty at the end.
sub extents {
  my ($at, $path) = unpack('Q> a*', $_[0]);
  sysopen(my $file, $path, 0) or return undef;
  my $found = '';
  for (1 .. 4096) {
    my $data = sysseek($file, $at, 3); # SEEK_DATA; ENXIO: only a hole is left
    last unless defined $data;
    $at = sysseek($file, $data + 0, 4); # SEEK_HOLE
    return undef unless defined $at;
    $found .= pack('Q> Q>', $data + 0, $at + 0);
    $at += 0;
  }
  return $found;
}

sub read_link { return readlink $_[0] }

# Each 2 length, name, 4 length, value.
sub attributes {
  my ($path) = @_;
  my $names = "\0" x 65_536;
  my $length = call(195, $path, $names, 65_536); # llistxattr
  return undef if $length < 0;
  my $found = '';
  for my $name (split /\0/, substr($names, 0, $length)) {
    my $value = "\0" x 65_536;
    my $bytes = call(192, $path, $name, $value, 65_536); # lgetxattr
    return undef if $bytes < 0;
    $found .= pack('n/a* N/a*', $name, substr($value, 0, $bytes));
  }
  return $found;
}

sub power_off { call(169, 0xfee1dead, 672274793, 0x4321fedc, 0); exit }
