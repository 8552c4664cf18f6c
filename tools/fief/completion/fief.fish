# Completion of fief for fish.

function __fish_fief_first
    test (count (commandline -opc)) -eq 1
end

# Where the command to be run is among the words, or is going to be.
function __fish_fief_command_at
    set -l words (commandline -opc)
    set -l at 3
    while test $at -le (count $words)
        switch $words[$at]
            case --
                echo (math $at + 1)
                return
            case --debug --limit --report --shim
                set at (math $at + 2)
            case '-*'
                set at (math $at + 1)
            case '*'
                break
        end
    end
    echo $at
end

# Whether options of fief run may come, rather than the command or what it is given.
function __fish_fief_options
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = run; and test $words[-1] != --; or return 1
    test (__fish_fief_command_at) -gt (count $words)
end

function __fish_fief_command
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = run; or return
    set -l at (__fish_fief_command_at)
    test $at -le (math (count $words) + 1); or return
    set -l typed
    test $at -le (count $words); and set typed (string escape -- $words[$at..-1])
    complete --do-complete=(string join ' ' -- $typed (commandline -ct))
end

complete -c fief -n __fish_fief_first -f -a run -d 'Run a command with fief as its allocator'
complete -c fief -n __fish_fief_first -l help -d 'Tell the verbs'
complete -c fief -n __fish_fief_first -l version -d 'Tell the version'
complete -c fief -n __fish_fief_options -l debug -x -a 'off check full guard' -d 'Watch the heaps'
complete -c fief -n __fish_fief_options -l limit -x -a '64M 256M 1G 4G' -d 'Most memory of a process'
complete -c fief -n __fish_fief_options -l report -r -F -d 'Append reports and statistics to a file'
complete -c fief -n __fish_fief_options -l stats -d 'Tell at the end of each process what it used'
complete -c fief -n __fish_fief_options -l leaks -d 'Tell at the end of each process which blocks are live'
complete -c fief -n __fish_fief_options -l shim -x -a 'malloc cpython malloc,cpython none' -d 'What is put under the command'
complete -c fief -n __fish_fief_options -l help -d 'Tell the options'
# A command's words have their own completions, and so does its name.
complete -c fief -n 'not __fish_fief_first' -x -a '(__fish_fief_command)'
