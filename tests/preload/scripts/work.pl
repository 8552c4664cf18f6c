# For programs.py: Perl's hashes, regular expressions, closures, sorting, threads of text.
use strict;
use warnings;
my (%count, @list);
for my $i (1 .. 50000) {
    my $word = "word" . ($i * 7919 % 1009);
    $count{$word}{$i % 10} .= "$i,";
    push @list, [$word, $i] if $i % 3 == 0;
}
print scalar(keys %count), ' ', scalar(@list), "\n";
my @sorted = sort { $a->[0] cmp $b->[0] || $b->[1] <=> $a->[1] } @list;
print "@{$sorted[$_]}\n" for 0, 100, -1;
my $text = join ' ', map { "$_->[0]=$_->[1]" } @sorted;
my $found = 0;
$found += $2 while $text =~ /(word\d+)=(\d+)/g;
(my $changed = $text) =~ s/word(\d+)=/<$1>/g;
print length($text), " $found ", length($changed), "\n";
my @made = map { my $n = $_; sub { $n += shift } } 1 .. 1000;
print $made[$_]->($_), ' ' for 1, 500, 999;
print "\n";
my $tree = {};
my $at = $tree;
$at = $at->{deeper} = { list => [1 .. 10] } for 1 .. 5000;
undef $tree;
local $@;
eval { die { code => 42, text => 'x' x 1000 } };
print $@->{code}, ' ', length($@->{text}), "\n";
printf "%s\n", unpack('%32C*', pack('N*', 1 .. 10000));
my $out = `echo from a child`;
print $out;
my $pid = fork() // die;
if (!$pid) { my @more = map { 'y' x $_ } 1 .. 100; exit(scalar @more) }
waitpid($pid, 0);
print 'child ', $? >> 8, "\n";
warn "to stderr\n";
exit 3 - 3;
