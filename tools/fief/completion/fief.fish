# Completion of fief for fish.

function __fish_fief_first
    test (count (commandline -opc)) -eq 1
end

# Up to the command that is to be run.
function __fish_fief_run
    set -l words (commandline -opc)
    test (count $words) -ge 2; and test $words[2] = run; or return 1
    set -l is_value 0
    for word in $words[3..-1]
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch $word
            case --debug --limit --report --shim
                set is_value 1
            case '--?*'
            case '*'
                return 1
        end
    end
end

complete -c fief -n __fish_fief_first -f -a run -d 'Run a command with fief as its allocator'
complete -c fief -n __fish_fief_first -l help -d 'Tell the verbs'
complete -c fief -n __fish_fief_first -l version -d 'Tell the version'
complete -c fief -n __fish_fief_run -l debug -x -a 'off check full guard' -d 'Watch the heaps'
complete -c fief -n __fish_fief_run -l limit -x -a '64M 256M 1G 4G' -d 'Most memory of a process'
complete -c fief -n __fish_fief_run -l report -r -F -d 'Append reports and statistics to a file'
complete -c fief -n __fish_fief_run -l stats -d 'Tell at the end of each process what it used'
complete -c fief -n __fish_fief_run -l leaks -d 'Tell at the end of each process which blocks are live'
complete -c fief -n __fish_fief_run -l shim -x -a 'malloc cpython malloc,cpython none' -d 'What is put under the command'
complete -c fief -n __fish_fief_run -l help -d 'Tell the options'
complete -c fief -n 'not __fish_fief_first' -x -a '(__fish_complete_subcommand --fcs-skip=2)'
