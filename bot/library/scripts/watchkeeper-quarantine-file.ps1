# Watchkeeper: moves one file into a folder that only SYSTEM and administrators can open; with -Undo it moves it back.
# Without -Apply it only looks. Prints one line of JSON. Texts come as base64url of UTF-8: nothing needs quotes.
[CmdletBinding()]
param(
    [Parameter(Mandatory = $true)][ValidatePattern('^[A-Za-z0-9_-]{2,1400}$')][string]$Path,
    [switch]$Undo,
    [switch]$Apply
)
$ErrorActionPreference = 'Stop'
$answer = [ordered]@{ script = 'quarantine-file'; version = '1'; applied = [bool]$Apply; target = ''
    before = @{}; after = @{}; changed = $false; undo = ''; error = '' }
$store = Join-Path $env:ProgramData 'Watchkeeper\Quarantine'
$core = '^(ntoskrnl|hal|ntdll|kernel32|kernelbase|user32|gdi32|advapi32|rpcrt4|ci|win32k\w*|csrss|lsass|lsaiso|wininit|' +
    'winlogon|services|smss|svchost|dwm|explorer|bootmgr|winload|winresume|msmpeng|mssense|senseir|nissrv)\.\w+$'

function ConvertFrom-Coded([string]$Text) {
    $plain = $Text.Replace('-', '+').Replace('_', '/')
    [Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($plain + '=' * ((4 - $plain.Length % 4) % 4)))
}
function Get-State([string]$File) {
    if (-not (Test-Path -LiteralPath $File -PathType Leaf)) { return [ordered]@{ exists = 'no' } }
    $hash = (Get-FileHash -LiteralPath $File -Algorithm SHA256).Hash.ToLowerInvariant()
    [ordered]@{ exists = 'yes'; size = [string](Get-Item -LiteralPath $File -Force).Length; sha256 = $hash }
}
function Assert-Allowed([string]$File) {
    if ($File -notmatch '^[A-Za-z]:\\[^<>:"/|?*\x00-\x1f]{1,250}$' -or $File -match '\\\.{1,2}(\\|$)|[. ](\\|$)|~\d') {
        throw 'This is not a full path of one file'
    }
    $kept = '\\(Windows Defender( Advanced Threat Protection)?|Microsoft Defender|Watchkeeper|System32\\config)(\\|$)'
    if ($File -match $kept -or (Split-Path $File -Leaf) -match $core) {
        throw 'This file belongs to Windows or Defender and is never touched'
    }
    for ($part = $File; $part; $part = Split-Path $part -Parent) {
        $item = Get-Item -LiteralPath $part -Force -ErrorAction SilentlyContinue
        if ($item -and $item.Attributes -band [IO.FileAttributes]::ReparsePoint) { throw 'The path leads through a link' }
    }
    $signed = if (Test-Path -LiteralPath $File -PathType Leaf) { Get-AuthenticodeSignature -LiteralPath $File }
    $own = $signed -and $signed.Status -eq 'Valid' -and $signed.SignerCertificate.Subject -match 'O=Microsoft Corporation'
    if ($own -and $File.StartsWith($env:SystemRoot, [StringComparison]::OrdinalIgnoreCase)) {
        throw 'This file belongs to Windows or Defender and is never touched'
    }
}
$exit = 0
try {
    $answer.target = $file = ConvertFrom-Coded $Path
    Assert-Allowed $file
    $answer.before = Get-State $file
    $answer.undo = if ($Undo) { 'quarantine-file' } else { 'restore-file' }
    if ($Undo) {
        if ($answer.before.exists -eq 'yes') { throw 'There is a file again: move it away first' }
        $found = Get-ChildItem -LiteralPath $store -Filter '*.xml' -ErrorAction SilentlyContinue |
            Sort-Object LastWriteTimeUtc | Where-Object { (Import-Clixml $_.FullName).Path -eq $file } | Select-Object -Last 1
        if (-not $found) { throw 'Nothing was quarantined from there' }
        $note = Import-Clixml $found.FullName
        $answer.after = [ordered]@{ exists = 'yes'; size = $note.Size; sha256 = $note.Sha256 }
        if ($Apply) {
            Move-Item -LiteralPath ([IO.Path]::ChangeExtension($found.FullName, '.bin')) -Destination $file
            $acl = New-Object Security.AccessControl.FileSecurity
            $acl.SetSecurityDescriptorSddlForm($note.Sddl); Set-Acl -LiteralPath $file -AclObject $acl
            Remove-Item -LiteralPath $found.FullName
        }
    } else {
        if ($answer.before.exists -ne 'yes') { throw 'There is no such file' }
        $answer.after = [ordered]@{ exists = 'no' }
        if ($Apply) {
            New-Item -ItemType Directory -Path $store -Force | Out-Null
            & icacls.exe $store /inheritance:r /grant:r '*S-1-5-18:(OI)(CI)F' '*S-1-5-32-544:(OI)(CI)F' | Out-Null
            $place = Join-Path $store ([guid]::NewGuid().ToString('N'))
            [pscustomobject]@{ Path = $file; Size = $answer.before.size; Sha256 = $answer.before.sha256
                Sddl = (Get-Acl -LiteralPath $file).Sddl } | Export-Clixml -LiteralPath "$place.xml"
            Move-Item -LiteralPath $file -Destination "$place.bin"
            & icacls.exe "$place.bin" /reset | Out-Null
        }
    }
    if ($Apply) { $answer.after = Get-State $file; $answer.changed = $answer.after.exists -ne $answer.before.exists }
} catch { $answer.error = [string]$_.Exception.Message; $exit = 1 }
$json = $answer | ConvertTo-Json -Compress -Depth 4
[regex]::Replace($json, '[^\x20-\x7e]', { param($one) '\u{0:x4}' -f [int][char]$one.Value })
exit $exit
