# Completion of docintake for fish: the program itself says what fits.
function __docintake_offers
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    # In --output=DIR the path begins behind the equals sign.
    set -l lead (string match -r '^--[^=]*=' -- "$typed")
    set -l path (string replace -r '^--[^=]*=' '' -- "$typed")
    for line in ($program completion fish -- $words "$typed" 2>/dev/null)
        switch $line
            case :files
                for name in (__fish_complete_path "$path"); echo "$lead$name"; end
            case :folders
                for name in (__fish_complete_directories "$path" ''); echo "$lead$name"; end
            case '*'
                echo $line
        end
    end
end
complete -c docintake -f -k -a '(__docintake_offers)'
